/** The verbs of suppliers, products and their uses: say, end, rename, make one of two. */
import { actorId, may } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { findPersonalData, record } from '#audit/index.ts';
import type { SaidUse } from './form-use.ts';
import { findOrganisationRecord } from '../store.ts';
import {
  endUse,
  findProduct,
  findProductByName,
  findSupplier,
  findSupplierByName,
  insertProduct,
  insertSupplier,
  lockNames,
  mergeProducts,
  mergeSuppliers,
  renameSupplier,
  saveUse,
} from './store-supplier.ts';

const notAllowed = refused('forbidden', 'Your role may not change the directory.');
const absent = refused('not_found', 'It is not there any more.');

/** Writes down that an organisation uses something. Names that are new are made on the way. */
export async function sayUse(
  tx: Tx,
  said: SaidUse & { readonly organisationId: string; readonly now: Date },
): Promise<Outcome<string>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  if (findPersonalData({ saidBy: said.saidBy }) !== undefined)
    return refused('invalid', 'Numbers and addresses stay with contacts.', {
      saidBy: 'No number and no address here: say who it was',
    });
  if ((await findOrganisationRecord(tx, said.organisationId)) === undefined) return absent;
  await lockNames(tx);
  const supplierId = await findOrMakeSupplier(tx, said.supplier);
  const productId = said.product === '' ? ok(null) : await findOrMakeProduct(tx, said, supplierId);
  if (!productId.ok) return productId;
  const id = await saveUse(tx, {
    organisationId: said.organisationId,
    supplierId,
    productId: productId.value,
    saidBy: said.saidBy,
    saidOn: said.saidOn,
    usedUntil: said.usedUntil,
    by: actorId(tx.actor),
    now: said.now,
  });
  await record(tx, {
    action: 'use.said',
    subject: { kind: 'organisation', id: said.organisationId },
    detail: { use: id, supplier: supplierId, product: productId.value },
  });
  return ok(id);
}

async function findOrMakeSupplier(tx: Tx, name: string): Promise<string> {
  const found = await findSupplierByName(tx, name);
  if (found !== undefined) return found.id;
  const id = newId();
  await insertSupplier(tx, { id, name });
  await record(tx, { action: 'supplier.added', subject: { kind: 'supplier', id } });
  return id;
}

async function findOrMakeProduct(
  tx: Tx,
  { product: name }: SaidUse,
  supplierId: string,
): Promise<Outcome<string | null>> {
  const found = await findProductByName(tx, name);
  if (found === undefined) {
    const id = newId();
    await insertProduct(tx, { id, name, supplierId });
    await record(tx, { action: 'product.added', subject: { kind: 'product', id } });
    return ok(id);
  }
  if (found.supplierId === supplierId) return ok(found.id);
  const owner = await findSupplier(tx, found.supplierId);
  const why = `${found.name} is a product of ${owner?.name ?? 'another supplier'}`;
  return refused('invalid', 'The product is of another supplier.', { product: why });
}

/** From today on it is used no more. */
export async function endUseToday(
  tx: Tx,
  ended: { readonly id: string; readonly organisationId: string; readonly now: Date },
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  const { id, organisationId, now } = ended;
  if (!(await endUse(tx, { id, organisationId, by: actorId(tx.actor), now })))
    return refused('conflict', 'It had ended already, or was never written down.');
  await record(tx, {
    action: 'use.ended',
    subject: { kind: 'organisation', id: organisationId },
    detail: { use: id },
  });
  return ok(undefined);
}

/**
 * Renames a supplier. Where another one has that name, or once had it, the two become one: two
 * spellings of one company.
 */
export async function renameOrMerge(
  tx: Tx,
  { id, name, mayMerge }: { id: string; name: string; mayMerge: boolean },
): Promise<Outcome<{ id: string; merged: boolean }>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  await lockNames(tx);
  if ((await findSupplier(tx, id)) === undefined) return absent;
  const other = await findSupplierByName(tx, name);
  const subject = { kind: 'supplier', id };
  if (other === undefined || other.id === id) {
    await renameSupplier(tx, { id, name });
    await record(tx, { action: 'supplier.renamed', subject });
    return ok({ id, merged: false });
  }
  if (!mayMerge)
    return refused('invalid', 'The name is taken.', {
      name: `${other.name} is there already: tick “make one of both” if they are the same`,
    });
  await mergeSuppliers(tx, { from: id, into: other.id });
  await record(tx, { action: 'supplier.merged', subject, detail: { into: other.id } });
  return ok({ id: other.id, merged: true });
}

/** Makes one product of two. */
export async function mergeProduct(
  tx: Tx,
  { id, into }: { id: string; into: string },
): Promise<Outcome<string>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  await lockNames(tx);
  const [product, target] = [await findProduct(tx, id), await findProductByName(tx, into)];
  if (product === undefined) return absent;
  if (target === undefined || target.id === id)
    return refused('invalid', 'There is no such product.', {
      into: target === undefined ? 'No product is called so' : 'This is the product itself',
    });
  await mergeProducts(tx, { from: id, into: target.id, supplierId: target.supplierId });
  await record(tx, {
    action: 'product.merged',
    subject: { kind: 'product', id },
    detail: { into: target.id },
  });
  return ok(target.supplierId);
}

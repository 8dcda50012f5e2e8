/** Statements about suppliers, their products, and who uses them. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { spellingKey } from '../model.ts';
import { isUsedOn } from '../audiences/store-audience.ts';
import { thisDay } from '../store-day.ts';

const usedToday = isUsedOn(thisDay);

/** Two people who write one name at once would make two of it. */
export async function lockNames(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtext('organisations.supplier'))`);
}

export type SupplierRow = {
  readonly id: string;
  readonly name: string;
  readonly products: number;
  /** Organisations that use something of it today. */
  readonly organisations: number;
};

export async function listSuppliers(tx: Tx): Promise<SupplierRow[]> {
  return await tx.rows<SupplierRow>(sql`
    select supplier.id, supplier.name,
      (select count(*) from organisations.product
        where product.supplier_id = supplier.id) as products,
      coalesce(counted.organisations, 0) as organisations
    from organisations.supplier
    left join (
      select used.supplier_id, count(distinct used.organisation_id) as organisations
      from organisations.use used
      join organisations.v_organisation organisation
        on organisation.organisation_id = used.organisation_id
      where ${usedToday} group by used.supplier_id
    ) counted on counted.supplier_id = supplier.id
    order by lower(supplier.name), supplier.id`);
}

export type NamedSupplier = { readonly id: string; readonly name: string };

export async function findSupplier(tx: Tx, id: string): Promise<NamedSupplier | undefined> {
  return await tx.maybe<NamedSupplier>(sql`
    select id, name from organisations.supplier where id = ${id}`);
}

export async function findSupplierByName(tx: Tx, name: string): Promise<NamedSupplier | undefined> {
  return await tx.maybe<NamedSupplier>(sql`
    select supplier.id, supplier.name from organisations.supplier_spelling spelling
    join organisations.supplier on supplier.id = spelling.supplier_id
    where spelling.key = ${spellingKey(name)}`);
}

export async function insertSupplier(tx: Tx, supplier: NamedSupplier): Promise<void> {
  const { id, name } = supplier;
  await tx.run(sql`insert into organisations.supplier (id, name) values (${id}, ${name})`);
  await tx.run(sql`
    insert into organisations.supplier_spelling (key, supplier_id)
    values (${spellingKey(name)}, ${id})`);
}

export type ProductRow = {
  readonly id: string;
  readonly name: string;
  readonly supplierId: string;
  readonly organisations: number;
};

/** The products of a supplier, or of all. */
export async function listProducts(tx: Tx, supplierId: string | null): Promise<ProductRow[]> {
  return await tx.rows<ProductRow>(sql`
    select product.id, product.name, product.supplier_id,
      coalesce(counted.organisations, 0) as organisations
    from organisations.product
    left join (
      select used.product_id, count(distinct used.organisation_id) as organisations
      from organisations.use used
      join organisations.v_organisation organisation
        on organisation.organisation_id = used.organisation_id
      where ${usedToday} group by used.product_id
    ) counted on counted.product_id = product.id
    where ${supplierId}::uuid is null or product.supplier_id = ${supplierId}
    order by lower(product.name), product.id`);
}

export type NamedProduct = {
  readonly id: string;
  readonly name: string;
  readonly supplierId: string;
};

export async function findProduct(tx: Tx, id: string): Promise<NamedProduct | undefined> {
  return await tx.maybe<NamedProduct>(sql`
    select id, name, supplier_id from organisations.product where id = ${id}`);
}

export async function findProductByName(tx: Tx, name: string): Promise<NamedProduct | undefined> {
  return await tx.maybe<NamedProduct>(sql`
    select product.id, product.name, product.supplier_id
    from organisations.product_spelling spelling
    join organisations.product on product.id = spelling.product_id
    where spelling.key = ${spellingKey(name)}`);
}

export async function insertProduct(tx: Tx, product: NamedProduct): Promise<void> {
  const { id, name, supplierId } = product;
  await tx.run(sql`
    insert into organisations.product (id, name, supplier_id)
    values (${id}, ${name}, ${supplierId})`);
  await tx.run(sql`
    insert into organisations.product_spelling (key, product_id)
    values (${spellingKey(name)}, ${id})`);
}

export type NewUse = {
  readonly organisationId: string;
  readonly supplierId: string;
  readonly productId: string | null;
  readonly saidBy: string;
  /** `2026-11-23`. */
  readonly saidOn: string;
  readonly usedUntil: string | null;
  readonly by: string;
  readonly now: Date;
};

/** A use that goes on and is said again keeps its row and gets the newer word of it. */
export async function saveUse(tx: Tx, use: NewUse): Promise<string> {
  const { id } = await tx.one<{ id: string }>(sql`
    with said as (
      update organisations.use used
      set said_by = ${use.saidBy}, said_on = ${use.saidOn}, used_until = ${use.usedUntil},
        known_from = least(used.known_from, ${use.saidOn}::date),
        recorded_by = ${use.by}, recorded_at = ${use.now}
      where used.organisation_id = ${use.organisationId} and used.supplier_id = ${use.supplierId}
        and used.product_id is not distinct from ${use.productId} and ${usedToday}
      returning used.id
    ), added as (
      insert into organisations.use (organisation_id, supplier_id, product_id, said_by, said_on,
        known_from, used_until, recorded_by, recorded_at)
      select ${use.organisationId}, ${use.supplierId}, ${use.productId}::uuid, ${use.saidBy},
        ${use.saidOn}, ${use.saidOn}::date, ${use.usedUntil}::date, ${use.by}, ${use.now}
      where not exists (select from said)
      returning id
    )
    select said.id from said union all select added.id from added limit 1`);
  return id;
}

/** Ends a use today; false where it had ended, or is not of this organisation. */
export async function endUse(
  tx: Tx,
  ended: { id: string; organisationId: string; by: string; now: Date },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.use used
      set used_until = ${thisDay}, recorded_by = ${ended.by}, recorded_at = ${ended.now}
      where used.id = ${ended.id} and used.organisation_id = ${ended.organisationId}
        and ${usedToday}`)) === 1
  );
}

export type UseRow = {
  readonly id: string;
  readonly supplierId: string;
  readonly supplierName: string;
  readonly productName: string | null;
  readonly saidBy: string;
  readonly saidOn: string;
  readonly usedUntil: string | null;
  readonly recordedAt: Date;
  readonly hasEnded: boolean;
};

/** What an organisation uses, and last what it used. */
export async function listUsesOfOrganisation(tx: Tx, organisationId: string): Promise<UseRow[]> {
  return await tx.rows<UseRow>(sql`
    select used.id, used.supplier_id, supplier.name as supplier_name,
      product.name as product_name, used.said_by, used.said_on::text, used.used_until::text,
      used.recorded_at, not ${usedToday} as has_ended
    from organisations.use used
    join organisations.supplier on supplier.id = used.supplier_id
    left join organisations.product on product.id = used.product_id
    where used.organisation_id = ${organisationId}
    order by not ${usedToday}, lower(supplier.name), lower(product.name) nulls first, used.id`);
}

export type UserRow = {
  readonly useId: string;
  readonly organisationId: string;
  readonly code: string;
  readonly name: string;
  readonly productName: string | null;
  readonly saidBy: string;
  readonly saidOn: string;
  readonly usedUntil: string | null;
};

export type UserSearch = {
  readonly supplierId: string;
  readonly productId?: string | undefined;
  /** Name of the organisation and id of the use that were seen last. */
  readonly after?: readonly [name: string, useId: string] | undefined;
  readonly limit: number;
};

/** Who uses something of a supplier today, by name of the organisation. */
export async function listUsers(tx: Tx, search: UserSearch): Promise<UserRow[]> {
  const { supplierId, productId, after, limit } = search;
  return await tx.rows<UserRow>(sql`
    select used.id as use_id, organisation.organisation_id, organisation.code, organisation.name,
      product.name as product_name, used.said_by, used.said_on::text, used.used_until::text
    from organisations.use used
    join organisations.v_organisation organisation
      on organisation.organisation_id = used.organisation_id
    left join organisations.product on product.id = used.product_id
    where used.supplier_id = ${supplierId} and ${usedToday}
      and ${productId === undefined ? sql`true` : sql`used.product_id = ${productId}`}
      and ${after ? sql`(organisation.name, used.id) > (${after[0]}, ${after[1]}::uuid)` : sql`true`}
    order by organisation.name, used.id
    limit ${limit}`);
}

/** Gives a supplier this name; its old spelling still leads to it. */
export async function renameSupplier(tx: Tx, { id, name }: NamedSupplier): Promise<void> {
  await tx.run(sql`update organisations.supplier set name = ${name} where id = ${id}`);
  await tx.run(sql`
    insert into organisations.supplier_spelling (key, supplier_id)
    values (${spellingKey(name)}, ${id}) on conflict (key) do nothing`);
}

/**
 * Makes one supplier of two: spellings, products and uses go to `into`. Of a use that both have,
 * the one of `into` stays and the other ends today.
 */
export async function mergeSuppliers(
  tx: Tx,
  merged: { from: string; into: string },
): Promise<void> {
  const { from, into } = merged;
  await tx.run(sql`
    update organisations.use used set used_until = ${thisDay}
    where used.supplier_id = ${from} and used.used_until is null and exists (
      select from organisations.use other
      where other.supplier_id = ${into} and other.organisation_id = used.organisation_id
        and other.product_id is not distinct from used.product_id and other.used_until is null)`);
  await tx.run(sql`
    update organisations.use set supplier_id = ${into} where supplier_id = ${from}`);
  await tx.run(sql`
    update organisations.product set supplier_id = ${into} where supplier_id = ${from}`);
  await tx.run(sql`
    update organisations.supplier_spelling set supplier_id = ${into} where supplier_id = ${from}`);
  await tx.run(sql`delete from organisations.supplier where id = ${from}`);
}

/** The same of two products, whose uses become those of the supplier of `into`. */
export async function mergeProducts(
  tx: Tx,
  merged: { from: string; into: string; supplierId: string },
): Promise<void> {
  const { from, into, supplierId } = merged;
  await tx.run(sql`
    update organisations.use used set used_until = ${thisDay}
    where used.product_id = ${from} and used.used_until is null and exists (
      select from organisations.use other
      where other.product_id = ${into} and other.organisation_id = used.organisation_id
        and other.used_until is null)`);
  await tx.run(sql`
    update organisations.use set product_id = ${into}, supplier_id = ${supplierId}
    where product_id = ${from}`);
  await tx.run(sql`
    update organisations.product_spelling set product_id = ${into} where product_id = ${from}`);
  await tx.run(sql`delete from organisations.product where id = ${from}`);
}

/** What a predecessor uses its successors use from their day on, as far as anybody knows. */
export async function handOverUses(tx: Tx, successionId: string): Promise<number> {
  return await tx.run(sql`
    insert into organisations.use (organisation_id, supplier_id, product_id, said_by, said_on,
      known_from, used_until, recorded_by, recorded_at)
    select distinct on (part.successor_id, used.supplier_id, used.product_id) part.successor_id,
      used.supplier_id, used.product_id, used.said_by, used.said_on, succession.on_date,
      used.used_until, used.recorded_by, used.recorded_at
    from organisations.succession_part part
    join organisations.succession on succession.id = part.succession_id
    join organisations.use used on used.organisation_id = part.predecessor_id and ${usedToday}
    where part.succession_id = ${successionId} and part.predecessor_id <> part.successor_id
      and not exists (
        select from organisations.use own
        where own.organisation_id = part.successor_id and own.supplier_id = used.supplier_id
          and own.product_id is not distinct from used.product_id
          and (own.used_until is null or own.used_until > ${thisDay}))
    order by part.successor_id, used.supplier_id, used.product_id, used.said_on desc, used.id`);
}

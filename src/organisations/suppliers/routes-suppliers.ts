/** Suppliers and who uses them; uses and tags of one organisation; the list of tags. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import type { Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  cursorOf,
  errorsAt,
  formModel,
  many,
  notFound,
  oneLine,
  page,
  PAGE_ROWS,
  pageOf,
  parseForm,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { nameForm, SUPPLIER_MAX } from './form-use.ts';
import { idParams, type AudienceRoutesContext } from '../audiences/routes-audiences.ts';
import {
  findSupplier,
  listProducts,
  listSuppliers,
  listUsers,
  type UserSearch,
} from './store-supplier.ts';
import { mergeProduct, renameOrMerge } from './suppliers.ts';

export function supplierRoutes(context: AudienceRoutesContext): Route[] {
  return [listRoute(context), oneRoute(context), ...changeRoutes(context)];
}

function listRoute({ database }: AudienceRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/suppliers',
    access: 'directory.read',
    async handle({ actor }) {
      const suppliers = await database.withActor(actor, (tx) => listSuppliers(tx));
      return view('organisations/suppliers.njk', { suppliers });
    },
  });
}

const usersCursor = cursorOf(z.tuple([oneLine(300), z.uuid()]));
const usersQuery = z.object({
  product: z.uuid().optional().catch(undefined),
  after: usersCursor.optional().catch(undefined),
});

function oneRoute(context: AudienceRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/suppliers/:id',
    access: 'directory.read',
    params: idParams,
    query: usersQuery,
    handle: async ({ actor, params: { id }, query: { product, after } }) =>
      await show(context, actor, { supplierId: id, productId: product, after }),
  });
}

type Showing = Omit<UserSearch, 'limit'> & {
  readonly form?: Form;
  readonly errors?: Readonly<Record<string, string>>;
};

async function show(
  { database }: AudienceRoutesContext,
  actor: Actor,
  { form, errors, ...asked }: Showing,
): Promise<Reply> {
  const { supplierId: id, productId } = asked;
  return await database.withActor(actor, async (tx) => {
    const supplier = await findSupplier(tx, id);
    if (supplier === undefined) return notFound();
    const products = await listProducts(tx, id);
    const users = await listUsers(tx, { ...asked, limit: PAGE_ROWS + 1 });
    const { rows, next } = pageOf(users, PAGE_ROWS, (row) => [row.name, row.useId]);
    const summary = (await listSuppliers(tx)).find((one) => one.id === id);
    const model = {
      supplier,
      organisations: summary?.organisations ?? 0,
      products,
      product: products.find((one) => one.id === productId),
      users: rows.map((row) => ({
        ...row,
        saidOn: dayOf(row.saidOn),
        usedUntil: dayOf(row.usedUntil),
      })),
      next,
      href: `/suppliers/${id}?${productId === undefined ? '' : `product=${productId}&`}`,
      isFirst: asked.after === undefined,
      form: formModel(['name', 'merge', 'into'], form ?? { name: supplier.name }, errors ?? {}),
      mayWrite: may(actor, 'directory.write'),
    };
    return view('organisations/supplier.njk', model, errors === undefined ? {} : { status: 422 });
  });
}

export function dayOf(day: string | null): Date | null {
  return day === null ? null : new Date(`${day}T12:00:00Z`);
}

function changeRoutes(context: AudienceRoutesContext): Route[] {
  const { database } = context;
  const change = async <T>(actor: Actor, verb: (tx: Tx) => Promise<Outcome<T>>) =>
    await database.attempt(actor, verb);
  return [
    page({
      method: 'POST',
      path: '/suppliers/:id/name',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, form }) {
        const typed = parseForm(nameForm(SUPPLIER_MAX), { name: form['name'] ?? '' });
        const mayMerge = many(form['merge']).includes('yes');
        const done = typed.ok
          ? await change(actor, (tx) => renameOrMerge(tx, { id, ...typed.value, mayMerge }))
          : typed;
        if (done.ok) {
          const notice = done.value.merged ? 'The two are one supplier now.' : 'Renamed.';
          return redirect(`/suppliers/${done.value.id}`, { notice });
        }
        if (done.kind !== 'invalid') return refusedPage(done);
        return await show(context, actor, { supplierId: id, form, errors: errorsAt('name', done) });
      },
    }),
    page({
      method: 'POST',
      path: '/products/:id/merge',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, form }) {
        const into = (many(form['into'])[0] ?? '').trim();
        const done = await change(actor, (tx) => mergeProduct(tx, { id, into }));
        if (done.ok)
          return redirect(`/suppliers/${done.value}`, { notice: 'The two are one product now.' });
        return refusedPage(done, [{ label: 'The other product', text: into }]);
      },
    }),
  ];
}

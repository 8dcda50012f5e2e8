/** Below whom an organisation stands and who below it, on its page and on pages of their own. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import { may, type Actor } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import {
  errorsAt,
  formModel,
  notFound,
  page,
  PAGE_ROWS,
  pageOf,
  parseForm,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { Refused } from '#kernel/outcome.ts';
import { asAtOf } from './as-at.ts';
import type { DirectoryContext } from './context.ts';
import { parentFields, parentForm } from './form-parent.ts';
import { searchCursor, searchKey } from './form-search.ts';
import { lineInWords } from './parents.ts';
import { setParent } from './set-parent.ts';
import { showAhead } from './successions/ahead.ts';
import { findFacts } from './store-facts.ts';
import {
  countChildren,
  listChildren,
  listParents,
  readLines,
  type ParentRow,
} from './store-parents.ts';

const idParams = z.object({ id: z.uuid() });

export function parentRoutes(context: DirectoryContext): Route[] {
  return [...childRoutes(context), ...changeRoutes(context)];
}

/** What the section "Above and below" of an organisation's page shows: `organisations/parents.njk`. */
export async function readFamily(tx: Tx, organisationId: string, on: string) {
  const parents = (await listParents(tx, organisationId)).map((row) => shown(row, on));
  return {
    parent: parents.find(({ when }) => when === 'now') ?? null,
    comingParents: parents.filter(({ when }) => when === 'later').toReversed(),
    formerParents: parents.filter(({ when }) => when === 'earlier'),
    childrenCount: await countChildren(tx, { parentId: organisationId, on }),
    mayWriteParents: may(tx.actor, 'directory.write'),
  };
}

function shown({ from, until, closedOn, ...row }: ParentRow, on: string) {
  const hasEnded = until !== null && until < on;
  const isYetToBegin = from !== null && from > on;
  return {
    ...row,
    from: dayOf(from),
    until: dayOf(until),
    isClosed: closedOn !== null && closedOn < on,
    when: hasEnded ? 'earlier' : isYetToBegin ? 'later' : 'now',
  };
}

function dayOf(day: string | null): Date | null {
  return day === null ? null : new Date(`${day}T12:00:00Z`);
}

function childRoutes({ database, model }: DirectoryContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/organisations/:id/below',
      access: 'directory.read',
      params: idParams,
      query: z.object({
        after: searchCursor.optional().catch(undefined),
        'as-at': z.string().catch(''),
      }),
      async handle({ actor, params: { id }, query: { after, ...query }, now }) {
        const asAt = asAtOf(query['as-at'], now);
        const on = asAt?.day ?? londonDay(now);
        const show = async (tx: Tx) => {
          const organisation = await findFacts(tx, id);
          if (organisation === undefined) return notFound();
          const found = await listChildren(tx, { parentId: id, on, after, limit: PAGE_ROWS + 1 });
          const { rows, next } = pageOf(found, PAGE_ROWS, searchKey);
          return view('organisations/below.njk', {
            organisation,
            asAt: asAt === undefined ? null : { day: asAt.day, at: dayOf(asAt.day) },
            count: await countChildren(tx, { parentId: id, on }),
            children: rows.map((row) => ({
              ...row,
              typeLabel: model.organisationTypes[row.type]?.label ?? row.type,
              until: dayOf(row.until),
            })),
            next,
            isFirst: after === undefined,
            mayWrite: may(actor, 'directory.write'),
          });
        };
        return await database.withActor(actor, (tx) => showAhead(tx, asAt, () => show(tx)));
      },
    }),
  ];
}

function changeRoutes(context: DirectoryContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/organisations/:id/parent',
      access: 'directory.write',
      params: idParams,
      handle: async ({ actor, params: { id } }) => await parentPage(context, actor, { id }),
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/parent',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, form, now }) {
        const typed = parseForm(parentForm, form);
        const today = londonDay(now);
        const done = typed.ok
          ? await database.attempt(actor, (tx) =>
              setParent(tx, { ...typed.value, organisationId: id, today }),
            )
          : typed;
        if (done.ok) return redirect(`/organisations/${id}#family`, { notice: 'Written down.' });
        if (done.kind === 'forbidden' || done.kind === 'not_found') return refusedPage(done);
        return await parentPage(context, actor, { id, form, refused: done });
      },
    }),
  ];
}

type Typing = { readonly id: string; readonly form?: Form; readonly refused?: Refused };

async function parentPage(
  { database }: DirectoryContext,
  actor: Actor,
  { id, form, refused }: Typing,
): Promise<Reply> {
  return await database.withActor(actor, async (tx) => {
    const organisation = await findFacts(tx, id);
    if (organisation === undefined) return notFound();
    const line = (await readLines(tx)).get(organisation.code) ?? [];
    const parents = await listParents(tx, id);
    // What the form saw stays while it is put right; after a conflict it is the present one.
    const seen = refused?.kind === 'invalid' ? form?.['seen'] : undefined;
    const errors = refused === undefined ? {} : errorsAt('', refused);
    const model = {
      organisation,
      seen: seen ?? lineInWords(line),
      parents: parents.map((row) => ({ ...row, from: dayOf(row.from), until: dayOf(row.until) })),
      form: formModel(parentFields, form ?? {}, errors),
    };
    const status = refused === undefined ? 200 : refusalStatus(refused.kind).status;
    return view('organisations/parent-form.njk', model, { status });
  });
}

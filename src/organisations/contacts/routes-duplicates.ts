/** The same person twice, and shared numbers, by page. */
import { z } from 'zod';
import { may } from '#kernel/actor.ts';
import {
  cursorOf,
  encodeCursor,
  formIdOf,
  many,
  notFound,
  oneLine,
  page,
  PAGE_ROWS,
  pageOf,
  redirect,
  refusedPage,
  uuid,
  view,
  type Form,
  type Route,
} from '#web/index.ts';
import type { DirectoryContext } from '../context.ts';
import { mergeContacts, mergeOf, sayNotTheSame, undoMerge } from './merge.ts';
import { recordListView, recordView } from './looks.ts';
import { findContact } from './store-contacts.ts';
import { listMerges, listSharedPoints, listTwins } from './store-duplicates.ts';

const idParams = z.object({ id: z.uuid() });
const pair = z.object({ keep: z.uuid(), other: z.uuid() });
const afterPair = cursorOf(z.tuple([z.int(), oneLine(200), uuid, uuid]));
const MERGES_SHOWN_MAX = 10;

export function duplicateRoutes(context: DirectoryContext): Route[] {
  return [listRoute(context), ...mergeRoutes(context), sharedRoute(context)];
}

function listRoute({ database, model }: DirectoryContext): Route {
  return page({
    method: 'GET',
    path: '/organisations/duplicates',
    access: 'directory.read',
    query: z.object({
      scope: z.enum(['within', 'across']).catch('within'),
      after: afterPair.optional().catch(undefined),
    }),
    handle: async ({ actor, query: { scope, after } }) =>
      await database.withActor(actor, async (tx) => {
        const found = await listTwins(tx, { scope, limit: PAGE_ROWS + 1, ...(after && { after }) });
        const { rows, next } = pageOf(found, PAGE_ROWS, ({ why, one, other }) => [
          why.length,
          one.name,
          one.id,
          other.id,
        ]);
        return view('organisations/duplicates.njk', {
          scope,
          twins: rows,
          next,
          isFirst: after === undefined,
          samePage: after ? encodeCursor(after) : '',
          merges: await listMerges(tx, MERGES_SHOWN_MAX),
          roles: model.contactRoles,
          mayWrite: may(actor, 'directory.write'),
        });
      }),
  });
}

function mergeRoutes({ database, model }: DirectoryContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/organisations/duplicates/merge',
      access: 'directory.write',
      query: pair,
      handle: async ({ actor, query }) =>
        await database.withActor(actor, async (tx) => {
          const [kept, gone] = [
            await findContact(tx, query.keep),
            await findContact(tx, query.other),
          ];
          if (kept === undefined || gone === undefined || kept.id === gone.id) return notFound();
          for (const contact of [kept, gone]) await recordView(tx, contact);
          return view('organisations/merge.njk', {
            kept,
            gone,
            merge: mergeOf(kept, gone),
            roles: model.contactRoles,
            formId: formIdOf({}),
          });
        }),
    }),
    page({
      method: 'POST',
      path: '/organisations/duplicates/merge',
      access: 'directory.write',
      async handle({ actor, form }) {
        const ids = pair.safeParse(form);
        if (!ids.success) return notFound();
        const versions = [textOf(form, 'keptVersion'), textOf(form, 'goneVersion')] as const;
        const { keep: keptId, other: goneId } = ids.data;
        const done = await database.attempt(actor, (tx) =>
          mergeContacts(tx, { id: formIdOf(form), keptId, goneId, versions }),
        );
        if (!done.ok) return refusedPage(done);
        const notice = `${done.value.name} is one contact now. It can be undone below.`;
        return redirect('/organisations/duplicates', { notice });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/duplicates/merges/:id/undo',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params }) {
        const done = await database.attempt(actor, (tx) => undoMerge(tx, params.id));
        if (!done.ok) return refusedPage(done);
        return redirect('/organisations/duplicates', { notice: 'They are two contacts again.' });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/duplicates/not-the-same',
      access: 'directory.write',
      async handle({ actor, form }) {
        const ids = pair.safeParse(form);
        if (!ids.success) return notFound();
        const { keep, other } = ids.data;
        const done = await database.attempt(actor, (tx) => sayNotTheSame(tx, keep, other));
        if (!done.ok) return refusedPage(done);
        const scope = textOf(form, 'scope') === 'across' ? 'across' : 'within';
        const samePage = new URLSearchParams({ scope, after: textOf(form, 'after') });
        const notice = 'Remembered: these two are not listed again.';
        return redirect(`/organisations/duplicates?${samePage.toString()}`, { notice });
      },
    }),
  ];
}

function textOf(form: Form, field: string): string {
  return many(form[field])[0] ?? '';
}

function sharedRoute({ database }: DirectoryContext): Route {
  const cursor = cursorOf(z.tuple([z.int(), z.uuid()]));
  return page({
    method: 'GET',
    path: '/organisations/shared-numbers',
    access: 'directory.read',
    query: z.object({ after: cursor.optional().catch(undefined) }),
    handle: async ({ actor, query: { after } }) =>
      await database.withActor(actor, async (tx) => {
        const found = await listSharedPoints(tx, {
          ...(after !== undefined && { after }),
          limit: PAGE_ROWS + 1,
        });
        const { rows, next } = pageOf(found, PAGE_ROWS, (row) => [row.links, row.contactPointId]);
        await recordListView(tx, {
          list: 'shared_numbers',
          contactIds: rows.flatMap(({ holders }) => holders.map(({ contactId }) => contactId)),
        });
        return view('organisations/shared-numbers.njk', { points: rows, next });
      }),
  });
}

/** Spaces: which there are, who reads in one, and what its lead and the centre do about it. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import { leadsSpace, may, type Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import {
  dateOnly,
  errorsAt,
  formIdOf,
  formModel,
  notFound,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { IdentityContext } from '../context.ts';
import { isSelf } from '../model.ts';
import { lastDayOf, parseReader, parseSpace, READER_FIELDS, SPACE_FIELDS } from '../parse.ts';
import { changeSpace, closeSpace, endReading, letIn, openSpace } from './spaces.ts';
import { selectReaders, selectSpace, selectSpaces, type SpaceRow } from './store.ts';

const id = z.object({ id: z.uuid() });
const reading = z.object({ id: z.uuid(), personId: z.uuid() });

/** Whoever leads a space or manages people; which spaces, the verbs decide. */
const KEEPERS = ['space.lead', 'person.manage'] as const;

export function spaceRoutes(context: IdentityContext): Route[] {
  return [
    listRoute(context),
    ...openRoutes(context),
    spaceRoute(context),
    ...changeRoutes(context),
    ...readerRoutes(context),
    ...closeRoutes(context),
  ];
}

function listRoute({ database }: IdentityContext): Route {
  return page({
    method: 'GET',
    path: '/spaces',
    access: 'signed-in',
    handle: async ({ actor }) => {
      const mayOpen = may(actor, 'person.manage');
      const spaces = await database.withActor(actor, (tx) =>
        selectSpaces(tx, mayOpen ? 'all' : 'own'),
      );
      return view('identity/spaces.njk', {
        mayOpen,
        spaces: spaces.map((space) => ({ ...space, isLed: leadsSpace(actor, space.id) })),
      });
    },
  });
}

function openRoutes({ database }: IdentityContext): Route[] {
  const show = (typed: Form = {}, why?: Refused): Reply =>
    view(
      'identity/space-open.njk',
      {
        form: formModel(SPACE_FIELDS, typed, why && errorsAt('', why)),
        // After a conflict a new one, so that pressing again is a decision.
        formId: formIdOf(why?.kind === 'conflict' ? {} : typed),
      },
      why ? { status: refusalStatus(why.kind).status } : {},
    );
  return [
    page({
      method: 'GET',
      path: '/spaces/open',
      access: 'person.manage',
      handle: async () => show(),
    }),
    page({
      method: 'POST',
      path: '/spaces/open',
      access: 'person.manage',
      fresh: true,
      handle: async ({ actor, form, now }) => {
        const parsed = parseSpace(form);
        if (!parsed.ok) return show(form, parsed);
        const wish = { id: formIdOf(form), ...parsed.value };
        const opened = await database.attempt(actor, (tx) => openSpace(tx, wish, { now }));
        if (!opened.ok) return show(form, opened);
        return redirect(`/spaces/${opened.value}`, { notice: 'Open. Nobody is in it yet.' });
      },
    }),
  ];
}

/** The space, where the actor reads in it or manages people; to everybody else there is none. */
async function spaceFor(tx: Tx, actor: Actor, spaceId: string): Promise<SpaceRow | undefined> {
  const space = await selectSpace(tx, spaceId);
  return space?.isReader || may(actor, 'person.manage') ? space : undefined;
}

type Failed = { readonly of: 'words' | 'reader'; readonly form: Form; readonly why: Refused };

/** The page of one space; with what was typed, where it was refused. */
async function spacePage(
  { database }: IdentityContext,
  actor: Actor,
  spaceId: string,
  failed?: Failed,
): Promise<Reply> {
  const found = await database.withActor(actor, async (tx) => {
    const space = await spaceFor(tx, actor, spaceId);
    return space && { space, readers: await selectReaders(tx, spaceId) };
  });
  if (found === undefined) return notFound();
  const { space, readers } = found;
  const formOf = (of: Failed['of'], fields: readonly string[], kept: Form) =>
    failed?.of === of
      ? formModel(fields, failed.form, errorsAt('', failed.why))
      : formModel(fields, kept);
  const words = formOf('words', SPACE_FIELDS, { name: space.name, purpose: space.purpose });
  const reader = formOf('reader', READER_FIELDS, {});
  return view(
    'identity/space.njk',
    {
      space,
      readers: readers.map((one) => ({
        ...one,
        isSelf: isSelf(actor, one.personId),
        lastDay: one.readsUntil && dateOnly(lastDayOf(one.readsUntil)),
      })),
      mayKeep:
        space.closedAt === null && (may(actor, 'person.manage') || leadsSpace(actor, spaceId)),
      mayLetIn: space.closedAt === null && leadsSpace(actor, spaceId),
      mayClose: space.closedAt === null && may(actor, 'person.manage'),
      words,
      reader,
      // Whose errors stand above all.
      form: failed?.of === 'words' ? words : reader,
    },
    failed ? { status: refusalStatus(failed.why.kind).status } : {},
  );
}

function spaceRoute(context: IdentityContext): Route {
  return page({
    method: 'GET',
    path: '/spaces/:id',
    access: 'signed-in',
    params: id,
    handle: async ({ actor, params }) => await spacePage(context, actor, params.id),
  });
}

function changeRoutes(context: IdentityContext): Route[] {
  return [
    page({
      method: 'POST',
      path: '/spaces/:id',
      access: KEEPERS,
      fresh: true,
      params: id,
      handle: async ({ actor, params, form }) => {
        const parsed = parseSpace(form);
        const changed = parsed.ok
          ? await context.database.attempt(actor, (tx) =>
              changeSpace(tx, { id: params.id, ...parsed.value }),
            )
          : parsed;
        if (changed.ok) return redirect(`/spaces/${params.id}`, { notice: 'Changed.' });
        if (changed.kind !== 'invalid') return refusedPage(changed);
        return await spacePage(context, actor, params.id, { of: 'words', form, why: changed });
      },
    }),
  ];
}

function readerRoutes(context: IdentityContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'POST',
      path: '/spaces/:id/readers',
      access: KEEPERS,
      fresh: true,
      params: id,
      handle: async ({ actor, params, form, now }) => {
        const parsed = parseReader(form, now);
        const done = parsed.ok
          ? await database.attempt(actor, (tx) =>
              letIn(tx, { spaceId: params.id, ...parsed.value }),
            )
          : parsed;
        if (done.ok)
          return redirect(`/spaces/${params.id}`, {
            notice: `${done.value.name} is in it now.`,
          });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await spacePage(context, actor, params.id, { of: 'reader', form, why: done });
      },
    }),
    page({
      method: 'POST',
      path: '/spaces/:id/readers/:personId/end',
      // Without another proof: whoever shuts somebody out is in a hurry.
      access: KEEPERS,
      params: reading,
      handle: async ({ actor, params }) => {
        const { id: spaceId, personId } = params;
        const done = await database.attempt(actor, (tx) => endReading(tx, { spaceId, personId }));
        if (!done.ok) return refusedPage(done);
        return redirect(`/spaces/${spaceId}`, { notice: 'Ended, from their next click on.' });
      },
    }),
  ];
}

function closeRoutes({ database }: IdentityContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/spaces/:id/close',
      access: 'person.manage',
      params: id,
      handle: async ({ actor, params }) => {
        const space = await database.withActor(actor, (tx) => selectSpace(tx, params.id));
        return space === undefined || space.closedAt !== null
          ? notFound()
          : view('identity/space-close.njk', { space });
      },
    }),
    page({
      method: 'POST',
      path: '/spaces/:id/close',
      access: 'person.manage',
      fresh: true,
      params: id,
      handle: async ({ actor, params, now }) => {
        const closed = await database.attempt(actor, (tx) => closeSpace(tx, params.id, { now }));
        if (!closed.ok) return refusedPage(closed);
        return redirect(`/spaces/${params.id}`, { notice: 'Closed. Nobody is in it any more.' });
      },
    }),
  ];
}

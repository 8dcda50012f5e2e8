/** Legal holds by page: which stand, putting one, looking at one again, lifting one. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import { may, type Actor } from '#kernel/actor.ts';
import type { Outcome, Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { HOLD_REASON_MAX, liftLegalHold, reviewLegalHold } from '#audit/index.ts';
import {
  formModel,
  many,
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
import type { DirectoryContext } from '../context.ts';
import { putHold } from './legal-holds.ts';
import { findHold, findTargetName, listHolds, type HoldTarget } from './store-legal-holds.ts';

const BY = 'audit.keep';
const HOME = '/legal-holds';
const idParams = z.object({ id: z.uuid() });
/** On what: neither, everything. */
const targetQuery = z.object({ organisation: z.uuid().optional(), contact: z.uuid().optional() });

type Failed = { readonly form: Form; readonly refused: Refused };

export function legalHoldRoutes(context: DirectoryContext): Route[] {
  return [...newRoutes(context), ...oneRoutes(context), listRoute(context)];
}

function listRoute({ database }: DirectoryContext): Route {
  return page({
    method: 'GET',
    path: HOME,
    access: BY,
    handle: async ({ actor, now }) =>
      await database.withActor(actor, async (tx) => {
        const holds = await listHolds(tx);
        return view('organisations/legal-holds.njk', {
          holds: holds.map((hold) => ({ ...hold, isDue: hold.reviewOn <= dayOf(now) })),
          hasWhole: holds.some(({ heldKind }) => heldKind === 'everything'),
          mayReadDirectory: may(actor, 'directory.read'),
        });
      }),
  });
}

function newRoutes({ database }: DirectoryContext): Route[] {
  const show = async (actor: Actor, target: HoldTarget | null, failed?: Failed): Promise<Reply> =>
    await database.withActor(actor, async (tx) => {
      const name = target === null ? undefined : await nameFor(tx, target);
      if (target !== null && name === undefined) return notFound();
      return view(
        'organisations/legal-hold-new.njk',
        {
          target,
          name,
          reasonMax: HOLD_REASON_MAX,
          form: formModel(['reason', 'reviewOn'], failed?.form, failed?.refused.fields),
        },
        failed === undefined ? {} : { status: refusalStatus(failed.refused.kind).status },
      );
    });
  return [
    page({
      method: 'GET',
      path: `${HOME}/new`,
      access: BY,
      query: targetQuery,
      handle: async ({ actor, query }) => await show(actor, targetOf(query)),
    }),
    page({
      method: 'POST',
      path: `${HOME}/new`,
      access: BY,
      fresh: true,
      async handle({ actor, form, now }) {
        const named = targetQuery.safeParse({
          organisation: typed(form, 'organisation') || undefined,
          contact: typed(form, 'contact') || undefined,
        });
        if (!named.success) return notFound();
        const target = targetOf(named.data);
        const holding = {
          target,
          reason: typed(form, 'reason'),
          reviewOn: typed(form, 'reviewOn'),
        };
        const done = await database.attempt(actor, (tx) => putHold(tx, holding, now));
        if (done.ok) return redirect(HOME, { notice: 'The legal hold stands.' });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await show(actor, target, { form, refused: done });
      },
    }),
  ];
}

function oneRoutes({ database }: DirectoryContext): Route[] {
  const show = async (actor: Actor, id: string, now: Date, failed?: Failed): Promise<Reply> =>
    await database.withActor(actor, async (tx) => {
      const hold = await findHold(tx, id);
      if (hold === undefined) return notFound();
      return view(
        'organisations/legal-hold.njk',
        {
          hold: { ...hold, isDue: hold.reviewOn <= dayOf(now) },
          reasonMax: HOLD_REASON_MAX,
          mayReadDirectory: may(actor, 'directory.read'),
          form: formModel(['reason', 'reviewOn'], failed?.form, failed?.refused.fields),
        },
        failed === undefined ? {} : { status: refusalStatus(failed.refused.kind).status },
      );
    });
  const act = (
    path: string,
    notice: string,
    verb: (tx: Tx, asked: { id: string; form: Form; now: Date }) => Promise<Outcome<void>>,
  ) =>
    page({
      method: 'POST',
      path: `${HOME}/:id/${path}`,
      access: BY,
      fresh: true,
      params: idParams,
      async handle({ actor, params: { id }, form, now }) {
        const done = await database.attempt(actor, (tx) => verb(tx, { id, form, now }));
        if (done.ok) return redirect(HOME, { notice });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await show(actor, id, now, { form, refused: done });
      },
    });
  return [
    page({
      method: 'GET',
      path: `${HOME}/:id`,
      access: BY,
      params: idParams,
      handle: async ({ actor, params, now }) => await show(actor, params.id, now),
    }),
    act('review', 'Written down. It stands on.', (tx, { id, form, now }) =>
      reviewLegalHold(tx, { id, reviewOn: typed(form, 'reviewOn') }, now),
    ),
    act('lift', 'It is lifted. What is due goes with the next night.', (tx, { id, form }) =>
      liftLegalHold(tx, { id, reason: typed(form, 'reason') }),
    ),
  ];
}

/** Undefined where this actor may not read of whom it is. */
async function nameFor(tx: Tx, target: HoldTarget): Promise<string | undefined> {
  return may(tx.actor, 'directory.read') ? await findTargetName(tx, target) : undefined;
}

function targetOf({ organisation, contact }: z.infer<typeof targetQuery>): HoldTarget | null {
  if (contact !== undefined) return { kind: 'contact', id: contact };
  return organisation === undefined ? null : { kind: 'organisation', id: organisation };
}

const typed = (form: Form, field: string): string => many(form[field])[0] ?? '';
const dayOf = (now: Date): string => londonDay(now);

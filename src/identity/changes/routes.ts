/** What waits for a second person: the list, and the page on which one is decided. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import type { Outcome, Refused } from '#kernel/outcome.ts';
import {
  errorsAt,
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
import { shaped } from '../approval-model.ts';
import type { IdentityContext } from '../context.ts';
import { roleLabels } from '../model.ts';
import { oneOf } from '../parse.ts';
import { selectRecoveries } from '../store-recovery.ts';
import { selectRoleRequests } from '../store-role-request.ts';
import {
  approveChange,
  carryOutAlone,
  flawOf,
  returnChange,
  takeBackChange,
  type Decided,
} from './changes.ts';
import type { ChangeKind } from './kind.ts';
import { readContent } from './model.ts';
import {
  selectChange,
  selectIsFirst,
  selectPastChanges,
  selectWaitingChanges,
  type ChangeRow,
} from './store.ts';

export type ChangeContext = Pick<IdentityContext, 'database' | 'model'> & {
  readonly kinds: readonly ChangeKind[];
};

/** Whoever may propose or approve one of the kinds; of each they see only those they may. */
const ACCESS = ['person.manage', 'organisation.cut_off', 'directory.write'] as const;

/** So many that were decided are listed. */
const PAST_MAX = 20;

const idParams = z.object({ id: z.uuid() });

export function changeRoutes(context: ChangeContext): Route[] {
  return [listRoute(context), showRoute(context), ...decidingRoutes(context)];
}

function concerns(actor: Actor, kind: ChangeKind): boolean {
  return may(actor, kind.proposes) || may(actor, kind.approves);
}

/** Officers see on their desk that something waits, and here what sort of thing and since when. */
const LIST_ACCESS = [...ACCESS, 'alert.read'] as const;

function listRoute({ database, model, kinds }: ChangeContext): Route {
  return page({
    method: 'GET',
    path: '/changes',
    access: LIST_ACCESS,
    async handle({ actor, now }) {
      const lineOf = (row: ChangeRow) => {
        const kind = kinds.find((one) => one.id === row.kind);
        if (kind === undefined || !concerns(actor, kind)) return [];
        const { lines, reason } = readContent(row.content);
        const isMine = actor.kind === 'person' && shaped(row, actor.id);
        return [{ ...row, title: kind.title, about: lines[0]?.after ?? '', reason, isMine }];
      };
      const isOfPeople = may(actor, 'person.manage');
      const { waiting, past, asked, recoveries } = await database.withActor(actor, async (tx) => ({
        waiting: await selectWaitingChanges(tx, now),
        past: await selectPastChanges(tx, now, PAST_MAX),
        asked: await selectRoleRequests(tx, now),
        recoveries: await selectRecoveries(tx, now),
      }));
      const mine = waiting.flatMap(lineOf);
      const ofPeople = asked.length + recoveries.length;
      return view('identity/changes.njk', {
        waiting: mine,
        past: past.flatMap(lineOf),
        asked: isOfPeople
          ? asked.map((one) => ({ ...one, label: roleLabels(model, [one.role])[0] }))
          : [],
        recoveries: isOfPeople ? recoveries : [],
        // Of what others decide over, only that it waits.
        others: waiting.length - mine.length + (isOfPeople ? 0 : ofPeople),
        isOfPeople,
      });
    },
  });
}

function showRoute(context: ChangeContext): Route {
  return page({
    method: 'GET',
    path: '/changes/:id',
    access: ACCESS,
    params: idParams,
    handle: async ({ actor, params: { id }, now }) => await showChange(context, actor, { id, now }),
  });
}

type Shown = {
  readonly id: string;
  readonly now: Date;
  readonly failed?: { readonly form: Form; readonly why: Refused };
};

async function showChange(
  { database, model, kinds }: ChangeContext,
  actor: Actor,
  { id, now, failed }: Shown,
): Promise<Reply> {
  const found = await database.withActor(actor, async (tx) => {
    const change = await selectChange(tx, id);
    const kind = kinds.find((one) => one.id === change?.kind);
    if (change === undefined || kind === undefined || !concerns(actor, kind)) return undefined;
    const isWaiting = change.state === 'requested' && change.expiresAt > now;
    const flaw = isWaiting ? await flawOf(tx, { change, kind }, { model, now }) : undefined;
    const isFirst = actor.kind === 'person' && (await selectIsFirst(tx, actor.id));
    return { change, kind, isWaiting, flaw, isFirst };
  });
  if (found === undefined) return notFound();
  const { change, kind, isWaiting, flaw, isFirst } = found;
  const { lines, reason } = readContent(change.content);
  const isMine = actor.kind === 'person' && shaped(change, actor.id);
  const mayApprove = isWaiting && may(actor, kind.approves) && !isMine;
  return view(
    'identity/change.njk',
    {
      change,
      title: kind.title,
      lines,
      // Of something new there is nothing to compare.
      hasBefore: lines.some(({ before }) => before !== undefined),
      reason,
      isWaiting,
      flaw,
      isMine,
      mayApprove: mayApprove && flaw === undefined,
      mayReturn: mayApprove,
      mayAlone: isWaiting && isMine && isFirst && flaw === undefined,
      mayTakeBack: isWaiting && may(actor, kind.proposes),
      form: formModel(['reason'], failed?.form, failed && errorsAt('reason', failed.why)),
    },
    failed === undefined ? {} : { status: refusalStatus(failed.why.kind).status },
  );
}

type Call = { readonly id: string; readonly form: Form; readonly now: Date };

function decidingRoutes(context: ChangeContext): Route[] {
  const { database, model, kinds } = context;
  const verb = (
    path: string,
    act: (tx: Tx, call: Call) => Promise<Outcome<Decided | void>>,
    notice: string,
  ): Route =>
    page({
      method: 'POST',
      path: `/changes/:id/${path}`,
      access: ACCESS,
      params: idParams,
      async handle({ actor, params: { id }, form, now }) {
        const done = await database.attempt(actor, (tx) => act(tx, { id, form, now }));
        if (done.ok) {
          const isVoid = done.value !== undefined && !done.value.isDone;
          return redirect(`/changes/${id}`, { notice: isVoid ? NOTHING_DONE : notice });
        }
        if (done.kind === 'invalid')
          return await showChange(context, actor, { id, now, failed: { form, why: done } });
        return refusedPage(done);
      },
    });
  const shown = ({ id, form, now }: Call) => ({ id, hash: oneOf(form, 'hash'), now });
  const deciding = { kinds, model };
  return [
    verb('approve', (tx, call) => approveChange(tx, shown(call), deciding), 'Approved and done.'),
    verb('alone', (tx, call) => carryOutAlone(tx, shown(call), deciding), 'Done, by you alone.'),
    verb(
      'return',
      (tx, { id, form, now }) =>
        returnChange(tx, { id, reason: oneOf(form, 'reason'), now }, kinds),
      'Returned. Nothing has changed.',
    ),
    verb(
      'take-back',
      (tx, { id, now }) => takeBackChange(tx, { id, now }, kinds),
      'Taken back. Nothing has changed.',
    ),
  ];
}

const NOTHING_DONE = 'It is void, and nothing has changed: see why below.';

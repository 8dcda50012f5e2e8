/** One page: what nobody can say of whether it left, and the decision to risk second copies. */
import { may, type Actor } from '#kernel/actor.ts';
import { ok, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { listUncertain, riskSecondCopies, type UncertainRow } from '#dispatch/index.ts';
import {
  errorsAt,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { dispatchesOf } from './model.ts';
import { idParams, type AlertRoutesContext } from './pages.ts';
import { absent } from './policy.ts';
import { findSubmission } from './store-submission.ts';
import { findLiveVersion, findVersion } from './store.ts';
import { countUnknown } from './store-uncertain.ts';

export function uncertainRoutes(context: AlertRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/uncertain',
      access: 'alert.read',
      params: idParams,
      handle: async ({ actor, params: { id } }) => await showUncertain(context, actor, { id }),
    }),
    page({
      method: 'POST',
      path: '/alerts/:id/uncertain',
      access: 'dispatch.steer',
      fresh: true,
      params: idParams,
      async handle({ actor, params: { id }, form }) {
        const decided = await database.attempt(actor, async (tx) => {
          const out = await findOut(tx, id);
          if (out === undefined) return absent;
          return await riskAll(tx, out.dispatchIds, many(form['reason'])[0] ?? '');
        });
        if (decided.ok) return redirect(`/alerts/${id}/board`, { notice: noticeOf(decided.value) });
        if (decided.kind === 'invalid')
          return await showUncertain(context, actor, { id, refused: decided, form });
        return refusedPage(decided);
      },
    }),
  ];
}

/** What is out or was closed, also where the next version is being written, with its dispatches. */
async function findOut(tx: Tx, alertId: string) {
  const version = (await findLiveVersion(tx, alertId)) ?? (await findVersion(tx, alertId));
  const submission = version && (await findSubmission(tx, version.id));
  if (version === undefined || submission?.state !== 'released') return undefined;
  return { version, dispatchIds: dispatchesOf(submission) };
}

/** One decision over all dispatches of a version; refused where nothing of any is uncertain. */
async function riskAll(
  tx: Tx,
  dispatchIds: readonly string[],
  reason: string,
): Promise<Outcome<number>> {
  let last: Outcome<number> = absent;
  let messages = 0;
  for (const dispatchId of dispatchIds) {
    last = await riskSecondCopies(tx, { dispatchId, reason });
    if (last.ok) messages += last.value;
    else if (last.kind !== 'conflict') return last;
  }
  return messages > 0 ? ok(messages) : last;
}

function noticeOf(messages: number): string {
  const what = messages === 1 ? 'One message goes' : `${messages} messages go`;
  return `${what} again. A second copy may reach whoever had the first.`;
}

type Showing = { readonly id: string; readonly refused?: Refused; readonly form?: Form };

async function showUncertain(
  { database }: AlertRoutesContext,
  actor: Actor,
  { id, refused, form = {} }: Showing,
): Promise<Reply> {
  const found = await database.withActor(actor, async (tx) => {
    const out = await findOut(tx, id);
    if (out === undefined) return undefined;
    const { version, dispatchIds } = out;
    const rows: UncertainRow[] = [];
    for (const dispatchId of dispatchIds) rows.push(...(await listUncertain(tx, dispatchId)));
    return { version, unknown: await countUnknown(tx, dispatchIds), rows };
  });
  if (found === undefined) return notFound();
  const errors = refused === undefined ? {} : errorsAt('reason', refused);
  const messages = found.rows.reduce((sum, row) => sum + row.messages, 0);
  return view(
    'alerts/uncertain.njk',
    {
      ...found,
      messages,
      asked: found.unknown - messages,
      mayDecide: may(actor, 'dispatch.steer'),
      form: formModel(['reason'], form, errors),
    },
    refused === undefined ? {} : { status: 422 },
  );
}

/** One page: what nobody can say of whether it left, and the decision to risk second copies. */
import { may, type Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import { listUncertain, riskSecondCopies } from '#dispatch/index.ts';
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
import { idParams, type AlertRoutesContext } from './pages.ts';
import { absent } from './policy.ts';
import { findSubmission } from './store-submission.ts';
import { findVersion } from './store.ts';
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
          const version = await findVersion(tx, id);
          const submission = version && (await findSubmission(tx, version.id));
          if (submission?.state !== 'released') return absent;
          const reason = many(form['reason'])[0] ?? '';
          return await riskSecondCopies(tx, { dispatchId: submission.dispatchId, reason });
        });
        if (decided.ok) return redirect(`/alerts/${id}/board`, { notice: noticeOf(decided.value) });
        if (decided.kind === 'invalid')
          return await showUncertain(context, actor, { id, refused: decided, form });
        return refusedPage(decided);
      },
    }),
  ];
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
    const version = await findVersion(tx, id);
    const submission = version && (await findSubmission(tx, version.id));
    if (version === undefined || submission?.state !== 'released') return undefined;
    const { dispatchId } = submission;
    const unknown = await countUnknown(tx, dispatchId);
    return { version, unknown, rows: await listUncertain(tx, dispatchId) };
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

/** Ending an alert that is out, withdrawn or closed: what will be said to whom, and the button. */
import { may, type Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import {
  errorsAt,
  formModel,
  many,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { closeAndTell } from './close.ts';
import { readEnding } from './ending.ts';
import { idParams, type AlertRoutesContext } from './pages.ts';
import { EXAMPLE } from './preview.ts';
import { textFor } from './texts.ts';
import { withdrawReleased } from './withdraw.ts';

type How = 'withdrawal' | 'closing';

const notices = {
  withdrawal: 'Withdrawn. Everybody who may have had it is being told.',
  closing: 'Closed. Everybody who may have had it is being told.',
} as const;

export function endingRoutes(context: AlertRoutesContext): Route[] {
  return (['withdrawal', 'closing'] as const).flatMap((how) => routesOf(context, how));
}

function routesOf(context: AlertRoutesContext, how: How): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: `/alerts/:id/${how}`,
      access: 'dispatch.steer',
      params: idParams,
      handle: async ({ actor, params: { id } }) => await showEnding(context, actor, { id, how }),
    }),
    page({
      method: 'POST',
      path: `/alerts/:id/${how}`,
      access: 'dispatch.steer',
      fresh: true,
      params: idParams,
      async handle({ actor, params: { id }, form }) {
        const reason = many(form['reason'])[0] ?? '';
        const done = await database.attempt(actor, (tx) =>
          how === 'closing'
            ? closeAndTell(tx, context, id)
            : withdrawReleased(tx, context, { alertId: id, reason }),
        );
        if (done.ok) return redirect(`/alerts/${id}/board`, { notice: notices[how] });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await showEnding(context, actor, { id, how, form, refused: done });
      },
    }),
  ];
}

async function showEnding(
  { database }: AlertRoutesContext,
  actor: Actor,
  { id, how, form, refused }: { id: string; how: How; form?: Form; refused?: Refused },
): Promise<Reply> {
  const found = await database.attempt(actor, (tx) => readEnding(tx, id));
  if (!found.ok) return refusedPage(found);
  const { version, submission, mayHaveIt } = found.value;
  return view(
    'alerts/ending.njk',
    {
      how,
      version,
      text: textFor(submission.along[how].text, EXAMPLE).text,
      approvedBy: submission.decidedByName,
      approvedAt: submission.decidedAt,
      mayHaveIt,
      mayClose: may(actor, 'alert.write'),
      form: formModel(['reason'], form, refused && errorsAt('reason', refused)),
    },
    refused === undefined ? {} : { status: refusalStatus(refused.kind).status },
  );
}

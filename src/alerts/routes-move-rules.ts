/** Moving an alert that is out to the rules in force: what changes for it, and the button. */
import { type Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import { pageOfRules } from '#operating-model/index.ts';
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
import { moveRules, readMoving } from './move-rules.ts';
import { idParams, type AlertRoutesContext } from './pages.ts';

export function moveRulesRoutes(context: AlertRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/rules',
      access: 'dispatch.steer',
      params: idParams,
      handle: async ({ actor, params: { id } }) => await showMoving(context, actor, { id }),
    }),
    page({
      method: 'POST',
      path: '/alerts/:id/rules',
      access: 'dispatch.steer',
      fresh: true,
      params: idParams,
      async handle({ actor, params: { id }, form }) {
        const [to = '', reason = ''] = ['to', 'reason'].map((name) => many(form[name])[0] ?? '');
        const done = await database.attempt(actor, (tx) =>
          moveRules(tx, context, { alertId: id, to, reason }),
        );
        if (done.ok)
          return redirect(`/alerts/${id}/board`, { notice: 'It obeys the rules in force now.' });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await showMoving(context, actor, { id, form, refused: done });
      },
    }),
  ];
}

async function showMoving(
  context: AlertRoutesContext,
  actor: Actor,
  { id, form, refused }: { id: string; form?: Form; refused?: Refused },
): Promise<Reply> {
  const found = await context.database.attempt(actor, (tx) => readMoving(tx, context, id));
  if (!found.ok) return refusedPage(found);
  const { version, moving, from } = found.value;
  const { model } = context;
  return view(
    'alerts/move-rules.njk',
    {
      version,
      moving,
      to: model.version,
      pages: { from: pageOfRules(from.version), to: pageOfRules(model.version) },
      form: formModel(['reason'], form, refused && errorsAt('reason', refused)),
    },
    refused === undefined ? {} : { status: refusalStatus(refused.kind).status },
  );
}

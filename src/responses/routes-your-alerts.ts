/**
 * The alerts of a code session: whoever came by a one-time code to a number on file reads what went
 * to that organisation and answers for it, for four hours: up to AMBER by row-level security, or
 * less where the operating model says so.
 */
import { z } from 'zod';
import { system, type Actor } from '#kernel/actor.ts';
import { within } from '#kernel/marking.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { findPointOfSession, listCutOffOf, markAnswered } from '#organisations/index.ts';
import { severityById } from '#operating-model/index.ts';
import { notFound, page, redirect, refusedPage, view, type Route } from '#web/index.ts';
import { takeAnswer, type AnswerRules } from './actions.ts';
import { kindOf, showCodePage, type CodePageContext } from './code-page.ts';
import type { AnswerKind } from './model.ts';
import { findAddressedAlert, listAddressedAlerts } from './store-opened.ts';

const HOME = '/your-alerts';
const ROWS = 50;

const numberParams = z.object({
  number: z
    .string()
    .regex(/^[1-9]\d{0,7}$/)
    .transform(Number),
});

export function yourAlertsRoutes(context: CodePageContext): Route[] {
  const { database, model } = context;
  const find = async (actor: Actor, number: number) =>
    await database.withActor(actor, (tx) => findAddressedAlert(tx, number));
  return [
    page({
      method: 'GET',
      path: HOME,
      access: 'contact',
      async handle({ actor }) {
        const rows = await database.withActor(actor, (tx) => listAddressedAlerts(tx, ROWS));
        const ceiling = model.markingCeilings.linkWithCode;
        const open = rows.filter(({ marking }) => within(marking, ceiling));
        const alerts = open.map((row) => ({
          ...row,
          severityLabel: severityById(model, row.severity)?.label ?? row.severity,
        }));
        return view('responses/your-alerts.njk', { alerts, helpLine: model.helpLine });
      },
    }),
    page({
      method: 'GET',
      path: `${HOME}/:number`,
      access: 'contact',
      params: numberParams,
      async handle({ actor, params: { number } }) {
        const found = await find(actor, number);
        if (found === undefined || actor.kind !== 'contact') return notFound();
        const action = `${HOME}/${number}`;
        const back = { href: HOME, text: 'All alerts to your organisation' };
        return await showCodePage(context, { actor, ...found, number, action, hidden: [], back });
      },
    }),
    page({
      method: 'POST',
      path: `${HOME}/:number`,
      access: 'contact',
      params: numberParams,
      async handle({ actor, session, form, params: { number } }) {
        const found = await find(actor, number);
        const kind = kindOf(form);
        if (found === undefined || actor.kind !== 'contact') return notFound();
        if (kind === undefined) return redirect(`${HOME}/${number}`);
        const { organisationIds } = actor;
        const answer = { ...found, kind, organisationIds, sessionId: session!.id };
        const done = await database.attempt(system('answer page'), (tx) =>
          takeOwn(tx, model, answer),
        );
        if (!done.ok) return refusedPage(done);
        const notice = kind === 'help' ? 'Somebody will call you.' : 'Your answer is here.';
        return redirect(`${HOME}/${number}`, { notice });
      },
    }),
  ];
}

async function takeOwn(
  tx: Tx,
  rules: AnswerRules,
  {
    sessionId,
    ...answer
  }: {
    readonly alertId: string;
    readonly kind: AnswerKind;
    readonly organisationIds: readonly string[];
    readonly sessionId: string;
  },
): Promise<Outcome<void>> {
  // Cut off while this request was on its way: it is as if the session had ended before.
  if ((await listCutOffOf(tx, answer.organisationIds)).length > 0)
    return refused('not_found', 'This session has ended.');
  const contactPointId = (await findPointOfSession(tx, sessionId)) ?? null;
  const written = { evidence: 'link_with_code', recordedBy: null, note: null } as const;
  const taken = await takeAnswer(tx, rules, { ...answer, ...written, contactPointId });
  if (!taken.ok || contactPointId === null) return taken;
  await markAnswered(tx, [{ contactPointId, withCode: true }]);
  return ok(undefined);
}

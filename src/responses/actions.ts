/** The verbs of answering: what follows from an answer, however it came. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { actorId, mayIn } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { recordAll } from '#audit/index.ts';
import { standDown } from '#dispatch/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import type { AnswerKind } from './model.ts';
import {
  findAddressed,
  insertAnswers,
  notifyResponse,
  upsertResponses,
  type Addressed,
  type NewAnswer,
} from './store.ts';
import { endCallsOf } from './calls/store-calls.ts';
import { planCalls } from './owed.ts';
import { openItem } from './open-item.ts';
import { findRecipient, isWrittenDown } from './store-read.ts';

/** How soon the desk promises a call to who asks for help, and who is woken for it. */
export type AnswerRules = Pick<OperatingModel, 'desk' | 'promises'>;

/**
 * Takes an answer for these organisations: history, present state, later rounds called off, the
 * duty desk told where help is asked for. All or nothing.
 */
export async function takeAnswer(
  tx: Tx,
  rules: AnswerRules,
  answer: NewAnswer,
): Promise<Outcome<void>> {
  const { alertId, organisationIds } = answer;
  const addressed = await findAddressed(tx, alertId, organisationIds);
  if (addressed === undefined || !isAddressed(addressed, answer))
    return refused('not_found', 'This alert was not sent to that organisation.');
  if ((await insertAnswers(tx, [answer])) < organisationIds.length)
    return await refuseAnother(tx, answer);
  await applyAnswers(tx, rules, addressed, [answer]);
  return ok(undefined);
}

/**
 * The same for answers that came together, each by other organisations: of each the alert as it was
 * sent to them, undefined where it was not.
 */
export async function takeTogether(
  tx: Tx,
  rules: AnswerRules,
  answers: readonly NewAnswer[],
): Promise<(Addressed | undefined)[]> {
  const taken = new Map<NewAnswer, Addressed>();
  for (const [alertId, same] of Map.groupBy(answers, (answer) => answer.alertId)) {
    const organisationIds = same.flatMap((answer) => answer.organisationIds);
    const addressed = await findAddressed(tx, alertId, organisationIds);
    const those = same.filter((answer) => addressed && isAddressed(addressed, answer));
    if (addressed === undefined || those.length === 0) continue;
    await insertAnswers(tx, those);
    await applyAnswers(tx, rules, addressed, those);
    for (const answer of those) taken.set(answer, addressed);
  }
  return answers.map((answer) => taken.get(answer));
}

/** True where the alert was sent to all of the organisations that the answer is for. */
function isAddressed({ shortNames }: Addressed, { organisationIds }: NewAnswer): boolean {
  return organisationIds.every((id) => shortNames[id] !== undefined);
}

/** What follows from answers to one alert that are written down, each by other organisations. */
async function applyAnswers(
  tx: Tx,
  rules: AnswerRules,
  { alertId, dispatchId }: Addressed,
  answers: readonly NewAnswer[],
): Promise<void> {
  await upsertResponses(tx, answers);
  const organisationIds = answers.flatMap((answer) => answer.organisationIds);
  await standDown(tx, { dispatchId, organisationIds });
  await endCallsOf(tx, alertId, organisationIds);
  for (const { kind, contactPointId, ...answer } of answers)
    if (kind === 'help')
      for (const organisationId of answer.organisationIds) {
        const { callBackWithinMs } = rules.desk;
        const asked = { kind, alertId, organisationId, contactPointId, replyId: null } as const;
        const promised = await openItem(tx, { ...asked, callBackWithinMs });
        if (promised !== undefined) await planCalls(tx, rules, [promised]);
      }
  await recordAll(
    tx,
    answers.map((answer) => ({
      action: `response.${answer.kind}`,
      subject: { kind: 'alert', id: alertId },
      detail: { organisations: [...answer.organisationIds], evidence: answer.evidence },
    })),
  );
  await notifyResponse(tx, alertId, organisationIds);
}

/** The form was posted twice: done already, unless it says something else now. */
async function refuseAnother(tx: Tx, answer: NewAnswer): Promise<Outcome<void>> {
  const { id = '', organisationIds } = answer;
  const [organisationId = ''] = organisationIds;
  if (await isWrittenDown(tx, { ...answer, id, organisationId })) return ok(undefined);
  return refused(
    'conflict',
    'This form was used for a call that is written down already. Press again to write down another.',
  );
}

/** An officer rang and writes down what was said. */
export async function recordCall(
  tx: Tx,
  rules: AnswerRules,
  call: {
    /** Of the form: posted twice it is one call. */
    id?: string;
    alertId: string;
    organisationId: string;
    kind: AnswerKind;
    note: string;
  },
): Promise<Outcome<void>> {
  const recipient = await findRecipient(tx, call.alertId, call.organisationId);
  if (recipient !== undefined && !mayIn(tx.actor, 'response.record', recipient.regionCode))
    return refused('not_found', 'This alert was not sent to that organisation.');
  return await takeAnswer(tx, rules, {
    ...(call.id !== undefined && { id: call.id }),
    alertId: call.alertId,
    organisationIds: [call.organisationId],
    kind: call.kind,
    evidence: 'call',
    contactPointId: null,
    recordedBy: actorId(tx.actor),
    note: call.note === '' ? null : call.note,
  });
}

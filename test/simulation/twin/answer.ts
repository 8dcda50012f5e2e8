/** Twins of `src/dispatch/store-answer.ts`. */
import type { AnswerText } from '#dispatch/store-answer.ts';
import { homeOf } from './home.ts';
import { ANSWERS, type Base } from './rows.ts';

const HOUR_MS = 3_600_000;

export function insertAnswers(
  base: Base,
  answers: readonly (AnswerText & { readonly id: string })[],
): number {
  return answers.filter((answer) => insertAnswer(base, answer)).length;
}

function insertAnswer(base: Base, answer: AnswerText & { readonly id: string }): boolean {
  const earlier = base
    .messagesOf(ANSWERS)
    .filter((m) => m.contactPointId === answer.contactPointId);
  const lately = earlier.filter((m) => m.dueAt! > base.now - HOUR_MS).length;
  if (lately >= answer.perHourMax) return false;
  const way = base.tables.gateway.get(answer.gatewayId ?? '');
  const channel = answer.subject === undefined ? 'text' : 'mail';
  const isOn = way?.enabled === true && way.channel === channel;
  const { contactPointId } = answer;
  base.addMessage({
    id: answer.id,
    dispatchId: ANSWERS,
    contactPointId,
    organisationId: null,
    channel,
    round: Math.max(0, ...earlier.map((m) => m.round)) + 1,
    rank: 1,
    code: answer.code,
    subject: answer.subject ?? null,
    body: answer.body,
    addressSealed: answer.addressSealed,
    state: 'ready',
    dueAt: base.now,
    homeGatewayId: isOn ? way.id : homeOf(base, { contactPointId, channel }),
    expiresAt: base.now + base.tables.dispatch.get(ANSWERS)!.expiresAfter,
  });
  return true;
}

export function notifyAnswers(base: Base): void {
  base.notify('tocsin_steer', ANSWERS);
}

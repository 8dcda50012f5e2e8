/** Twins of `src/dispatch/store-answer.ts`. */
import type { SingleMessage } from '#dispatch/store-answer.ts';
import { homeOf } from './home.ts';
import { ANSWERS, type Base } from './rows.ts';

const HOUR_MS = 3_600_000;

export function insertSingleMessages(
  base: Base,
  messages: readonly (SingleMessage & { readonly id: string })[],
): number {
  return messages.filter((message) => insertSingleMessage(base, message)).length;
}

function insertSingleMessage(
  base: Base,
  message: SingleMessage & { readonly id: string },
): boolean {
  const earlier = base
    .messagesOf(ANSWERS)
    .filter((m) => m.contactPointId === message.contactPointId);
  const lately = earlier.filter((m) => m.dueAt! > base.now - HOUR_MS).length;
  if (lately >= message.perHourMax) return false;
  const way = base.tables.gateway.get(message.gatewayId ?? '');
  const channel = message.subject === undefined ? 'text' : 'mail';
  const isOn = way?.enabled === true && way.channel === channel;
  const { contactPointId } = message;
  base.addMessage({
    id: message.id,
    dispatchId: ANSWERS,
    contactPointId,
    organisationId: null,
    channel,
    round: Math.max(0, ...earlier.map((m) => m.round)) + 1,
    rank: 1,
    code: message.code,
    subject: message.subject ?? null,
    body: message.body,
    addressSealed: message.addressSealed,
    rule: message.because.rule,
    ruleVersion: message.because.version,
    ruleFact: message.because.fact,
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

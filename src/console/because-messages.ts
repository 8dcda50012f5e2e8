/** Why each message of an alert is sent. */
import {
  becauseNumberLimit,
  becauseSent,
  type Dispatched,
  type RulesOverTime,
} from '#operating-model/index.ts';
import { dateTime } from '#web/index.ts';
import type { Explained } from './model.ts';
import type { DispatchedRow } from './store-because.ts';
import type { MessageRow } from './store-messages.ts';
import type { LiveAlert } from './store.ts';

/** What a dispatch is to its readers, in words. */
export const dispatchedWords: Readonly<Record<Exclude<Dispatched['kind'], 'first'>, string>> = {
  update: 'The update, to everybody who had a version before',
  correction: 'The correction, to everybody who had a version before',
  withdrawal: 'The withdrawal, to everybody who had a version before',
  closing: 'That it is over, to everybody who had it',
};

type ExplainedRow = Pick<
  MessageRow,
  'dispatchId' | 'round' | 'rank' | 'openedAt' | 'opensAt' | 'state' | 'failureCode'
>;

export type MessageRules = RulesOverTime & { readonly dispatched: readonly DispatchedRow[] };

/** Why one message is sent, waits, or is not sent. */
export function explainMessage(
  alert: Pick<LiveAlert, 'dispatchState'>,
  rules: MessageRules,
  message: ExplainedRow,
): Pick<Explained, 'because' | 'facts'> {
  const { dispatchId, round, rank, openedAt, opensAt, state, failureCode } = message;
  const { model, severity } = rules.at(openedAt);
  if (failureCode === 'number_limit') {
    const became = state === 'suppressed' ? 'it would have come too late' : 'it waited its turn';
    return { because: becauseNumberLimit(model), facts: [`rank ${rank}`, became] };
  }
  const sent = rules.dispatched.find((one) => one.dispatchId === dispatchId);
  const follows =
    sent === undefined || sent.kind === 'first' ? [] : ['they may have had a version before'];
  const opening =
    openedAt !== null
      ? [`its round opened ${dateTime(openedAt)}`]
      : opensAt !== null && alert.dispatchState === 'sending'
        ? [`its round opens ${dateTime(opensAt)}`]
        : [];
  const became =
    failureCode === 'cut_off' ? [CUT_OFF] : state === 'cancelled' ? [calledOff(sent)] : [];
  return {
    because: sent && severity && becauseSent(model, severity, sent, { round, rank }),
    facts: [`rank ${rank}`, ...follows, ...opening, ...became],
  };
}

const CUT_OFF = 'its network is cut off: held back';

function calledOff(sent: DispatchedRow | undefined): string {
  return sent?.kind === 'first' || sent === undefined
    ? 'not sent: they had answered or had a version before, or it was called off'
    : 'not sent: they had nothing before, or it was called off';
}

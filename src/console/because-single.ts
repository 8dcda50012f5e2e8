/** Why a message went that stands in no dispatch of an alert. Its words are never read. */
import { becauseSingle } from '#operating-model/index.ts';
import { clockOrDate } from '#web/index.ts';
import type { Explained } from './model.ts';
import type { SingleRow } from './store-single.ts';

const became: Readonly<Record<string, string>> = {
  ready: 'waits to be sent',
  claimed: 'is being handed over',
  unknown: 'nobody can say yet whether it left',
  uncertain_closed: 'nobody can say whether it left',
  accepted: 'accepted, no receipt yet',
  delivered: 'delivered',
  undelivered: 'not delivered',
  rejected: 'rejected',
  cancelled: 'not sent',
  expired: 'not sent: too late',
  suppressed: 'not sent: nothing goes there',
};

const WHATS = { text: 'Text', mail: 'Mail' } as const;

export function explainSingle(row: SingleRow): Explained {
  const { channel, state, dueAt, endedAt, person, organisations, fact } = row;
  const to = person ?? (organisations.join(', ') || 'somebody who is on file no more');
  const end = became[state] ?? state;
  return {
    what: `${WHATS[channel]} to ${to}`,
    at: dueAt,
    because: becauseSingle(row),
    facts: [fact, endedAt === null ? end : `${end} ${clockOrDate(endedAt, dueAt)}`],
  };
}

/** What would not work as the rules mean it: said before it happens. Pure. */
import { formatMoney, type Pence } from '#kernel/money.ts';
import { spokenDuration, type OperatingModel, type Severity } from '#operating-model/index.ts';
import type { Directory } from './scene.ts';
import type { Planned, Run } from './model.ts';
import type { Summary } from './summary.ts';

export type Break = {
  readonly level: 'breaks' | 'mind';
  readonly says: string;
  /** Organisations that it is about, by name: the first of them. */
  readonly names: readonly string[];
};

export type Rehearsed = {
  readonly model: OperatingModel;
  readonly severity: Severity;
  readonly directory: Directory;
  readonly messages: readonly Planned[];
  readonly run: Run;
  readonly summary: Summary;
  /** Of whoever rehearses, or of the rules; undefined: none. */
  readonly spendCapPence: Pence | undefined;
};

/** So many are named. */
export const NAMES_MAX = 12;

export function breaksOf(rehearsed: Rehearsed): Break[] {
  return [...chains(rehearsed), ...messagesLost(rehearsed), ...windows(rehearsed)];
}

/** Organisations that must answer and whose chain ends early, or has nobody at all. */
export function chains({
  directory,
  messages,
  severity,
}: Pick<Rehearsed, 'directory' | 'messages' | 'severity'>): Break[] {
  const rounds = new Map<string, Set<number>>();
  // Reminders are no part of the chain.
  for (const { organisationIds, round } of messages.filter(
    (one) => one.round <= severity.rounds.length,
  ))
    for (const id of organisationIds) {
      const own = rounds.get(id);
      if (own === undefined) rounds.set(id, new Set([round]));
      else own.add(round);
    }
  const must = directory.organisations.filter(({ mustAnswer }) => mustAnswer);
  const nobody = must.filter(({ organisationId }) => !rounds.has(organisationId));
  const short = must.filter(({ organisationId }) => {
    const told = rounds.get(organisationId);
    return told !== undefined && told.size < severity.rounds.length;
  });
  return [
    ...about('breaks', nobody, 'nothing reaches: they are on the call list at once'),
    ...about('mind', short, 'have a round that tells nobody: their chain has a hole or ends early'),
  ];
}

function about(
  level: Break['level'],
  those: readonly { readonly name: string }[],
  what: string,
): Break[] {
  if (those.length === 0) return [];
  const who =
    those.length === 1 ? 'organisation that must answer' : 'organisations that must answer';
  const names = those.slice(0, NAMES_MAX).map(({ name }) => name);
  return [{ level, says: `${counted(those.length)} ${who}: ${what}`, names }];
}

function messagesLost({ summary: { notSent, costPence }, spendCapPence, severity }: Rehearsed) {
  const found: Break[] = [];
  const add = (level: Break['level'], says: string) => found.push({ level, says, names: [] });
  if (notSent.no_gateway > 0)
    add('breaks', `${counted(notSent.no_gateway)} messages have no gateway that takes them`);
  if (notSent.expired > 0) {
    const after = spokenDuration(severity.sendExpiresAfterMs);
    add(
      'breaks',
      `${counted(notSent.expired)} messages are older than ${after} before they can leave, and never do`,
    );
  }
  if (notSent.suppressed > 0)
    add(
      'mind',
      `${counted(notSent.suppressed)} texts never leave: their number had its share of texts`,
    );
  if (spendCapPence !== undefined && costPence > spendCapPence)
    add(
      'breaks',
      `The texts cost ${formatMoney(costPence)}, more than ${formatMoney(spendCapPence)}`,
    );
  return found;
}

/** Deadlines that pass before the ladder has come to its end. */
function windows({ severity, summary: { rounds } }: Rehearsed): Break[] {
  const found: Break[] = [];
  const last = rounds.at(-1);
  if (last !== undefined && last.opensAfterMs > severity.acknowledgeWithinMs)
    found.push({
      level: 'mind',
      says: `The answer is due after ${spokenDuration(severity.acknowledgeWithinMs)}, before round ${last.round} opens`,
      names: [],
    });
  const late = rounds.filter(
    (one) => !one.reminds && one.opensAfterMs >= severity.sendExpiresAfterMs,
  );
  if (late.length > 0)
    found.push({
      level: 'breaks',
      says: `Round ${late.map(({ round }) => round).join(', ')} opens when nothing is sent any more`,
      names: [],
    });
  return found;
}

function counted(count: number): string {
  return count.toLocaleString('en-GB');
}

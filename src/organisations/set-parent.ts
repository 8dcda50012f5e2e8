/** Below whom an organisation stands, said by somebody. Leaves an entry. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { barredFrom } from './facts.ts';
import { lineInWords, type SaidParent } from './parents.ts';
import { planParents } from './imports/plan-parents.ts';
import { findFacts } from './store-facts.ts';
import { lockParents, readDates, readLines, saveLines } from './store-parents.ts';

export type ParentSaid = SaidParent & {
  readonly organisationId: string;
  /** Who told us, in words. */
  readonly saidBy: string;
  /** The parents that the form saw (`lineInWords`); undefined where a program did not look. */
  readonly seen?: string | undefined;
  /** `2026-11-23`. */
  readonly today: string;
};

/** Names the parent, by code, from a day on (null: today) or until one; null: it has none. */
export async function setParent(tx: Tx, said: ParentSaid): Promise<Outcome<void>> {
  const barred = await barredFrom(tx);
  if (barred) return barred;
  await lockParents(tx);
  const facts = await findFacts(tx, said.organisationId);
  if (facts === undefined) return refused('not_found', 'There is no such organisation.');
  const lines = await readLines(tx);
  const before = lines.get(facts.code) ?? [];
  if (said.seen !== undefined && said.seen !== lineInWords(before)) {
    const why = 'Somebody changed its parents after you opened this page. Look at them once more.';
    return refused('conflict', why, { '': why });
  }
  const { code, openedOn, closedOn } = facts;
  const { parent, from, until, today } = said;
  const told = { said: [{ parent, from, until }], isDerived: false };
  const row = { line: 1, row: { code, openedOn, closedOn, parent: told } };
  const plan = planParents([row], { lines, datesOf: await readDates(tx) }, today);
  const [trouble] = plan.refusedRows;
  if (trouble !== undefined) {
    const why = sentenceOf(trouble.field, trouble.reason);
    return refused('invalid', why, { [fields[trouble.field] ?? '']: why });
  }
  const next = plan.changed.get(code);
  if (next === undefined) return ok(undefined);
  await saveLines(tx, [[code, next]], said.saidBy);
  await record(tx, {
    action: 'organisation.parent_set',
    subject: { kind: 'organisation', id: said.organisationId },
    detail: { parent, from, until },
  });
  return ok(undefined);
}

const fields: Readonly<Record<string, string>> = { parent: 'parent', parent_until: 'until' };

function sentenceOf(field: string, reason: string): string {
  if (field === 'parent_until') return `The last day ${reason}: say the first one too`;
  if (reason.startsWith('is not in the directory')) return 'No organisation has this code';
  if (reason === 'is the organisation itself') return 'It cannot stand below itself';
  return reason.startsWith('would') ? `It ${reason}` : `This organisation ${reason}`;
}

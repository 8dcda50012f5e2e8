/** Letting an organisation back that was cut off: one proposes, another agrees (ADR 0034). */
import { z } from 'zod';
import { ok } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { changeKind, listWaitingChanges, readChange } from '#identity/index.ts';
import { dateTime } from '#web/index.ts';
import { findOrganisationRecord } from '../store.ts';
import { letBack, notCutOff } from './cut-off.ts';
import { findCutOff } from './store-cut-off.ts';

const LET_BACK = 'let_back';

const letBackPayload = z.strictObject({ organisationId: z.uuid() });

/** What waits for a second person: who proposed it, and its address. */
export async function findLetBackAsked(
  tx: Tx,
  organisationId: string,
  now: Date,
): Promise<{ readonly id: string; readonly byName: string; readonly at: Date } | undefined> {
  const waiting = await listWaitingChanges(tx, now);
  const found = waiting.find(
    ({ kind, content }) =>
      kind === LET_BACK &&
      letBackPayload.parse(readChange(content).payload).organisationId === organisationId,
  );
  return found && { id: found.id, byName: found.proposedByName, at: found.proposedAt };
}

/** Whoever says that its network is its own again may be the one who holds it. */
export const letBackChange = changeKind(letBackPayload, {
  id: LET_BACK,
  title: 'An organisation that was cut off, let back',
  proposes: 'organisation.cut_off',
  approves: 'organisation.cut_off',
  look: async (tx, { organisationId }) => {
    const organisation = await findOrganisationRecord(tx, organisationId);
    const cut = await findCutOff(tx, organisationId);
    if (organisation === undefined || cut === undefined) return notCutOff;
    const { id, since, byName, reason, domains } = cut;
    const where = domains.length === 0 ? 'all of its addresses' : domains.join(', ');
    const lines = [
      {
        what: `${organisation.name}, ${organisation.code}`,
        before: `cut off since ${dateTime(since)} by ${byName}: ${reason}`,
        after: `let back: ${organisation.name}`,
      },
      { what: 'Its people', before: 'cannot sign in for it', after: 'sign in, read and answer' },
      { what: 'Mail', before: `nothing goes to ${where}`, after: `goes to ${where}` },
    ];
    // Another cut in between is another change.
    return ok({ base: { id }, lines });
  },
  carryOut: async (tx, { organisationId }, { approvalId, reason }) =>
    await letBack(tx, { organisationId, reason }, { approvalId }),
});

/** The judge of polls: what became of a text is known within ten seconds, without callbacks too. */
import type { Evidence } from './evidence.ts';
import { keyOf } from './twin/rows.ts';

/** Two seconds of them are for a slow database. */
const HEARD_WITHIN_MS = 12_000;
/** Later ends are found by look-ups. */
const POLLED_FOR_MS = 540_000;

export function endsAreHeard(evidence: Evidence): string[] {
  const { base, ledgers, readings, scenario } = evidence;
  if (!scenario.hasPolls || isDisturbed(evidence)) return [];
  return [...readings.keys()].flatMap((gatewayId) =>
    ledgers.get(gatewayId)!.flatMap(({ providerId, storedAt, at, statuses }) => {
      const end = statuses.toSorted((a, b) => a.from - b.from).at(-1);
      if (end === undefined || end.status === 'sending' || !isLive(evidence, at)) return [];
      const by = end.from + HEARD_WITHIN_MS;
      if (by > base.now || end.from > storedAt! + POLLED_FOR_MS) return [];
      const receipt = base.tables.receipt.get(keyOf(gatewayId, providerId, end.status));
      return receipt !== undefined && receipt.receivedAt <= by
        ? []
        : [`P3: nobody heard within ten seconds that ${providerId.slice(0, 4)} is ${end.status}`];
    }),
  );
}

/** What people sent is kept within ten seconds too, and once. */
export function textsAreHeard(evidence: Evidence): string[] {
  const { base, texts } = evidence;
  const replies = [...base.tables.reply.values()];
  return [...texts.values()].flat().flatMap(({ id, at }) => {
    const kept = replies.filter(({ providerId }) => providerId === id);
    if (kept.length > 1) return [`P1: the text ${id.slice(0, 4)} was kept twice`];
    const by = at + HEARD_WITHIN_MS;
    const isLate = kept[0] === undefined || kept[0].receivedAt > by;
    const mayBeLate = isDisturbed(evidence) || by > base.now || !isLive(evidence, at);
    return isLate && !mayBeLate ? [`P3: nobody heard the text ${id.slice(0, 4)} in time`] : [];
  });
}

/** Routine alone is asked for once a minute. */
function isLive({ released, scenario }: Evidence, at: number): boolean {
  return scenario.dispatches.some(
    ({ id, lane }) => lane !== 3 && (released.get(id) ?? Infinity) <= at,
  );
}

function isDisturbed({ scenario, stepFaults }: Evidence): boolean {
  const { lookupFails, lookupLagMs, pageFails, slow } = scenario.habits;
  const isSlow = lookupFails + lookupLagMs + pageFails + slow > 0;
  return isSlow || scenario.faults.length > 0 || stepFaults.size > 0;
}

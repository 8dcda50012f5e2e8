/** The judge of probes: they are nobody's messages, and one in a while is enough. */
import { parseReference } from '#dispatch/model.ts';
import { jumpsMsOf, type Evidence } from './evidence.ts';
import { PROBE_EVERY_MS } from './parts.ts';

/** Nothing of a probe is told of a message, written down as lost, or counted for a dispatch (P11). */
export function probesStayApart(evidence: Evidence): string[] {
  const { attempts, base, probes, scenario } = evidence;
  const { lostText, receipt, tally } = base.tables;
  const references = new Set([...probes.values()].flat().map(({ reference }) => reference));
  const applied = [...receipt.values()].filter(({ outcome }) => outcome === 'applied');
  const told = [...applied, ...lostText.values()].filter(({ reference }) =>
    references.has(reference ?? ''),
  );
  const counted = scenario.dispatches.filter(({ id }) => {
    const rows = tally.filter(({ dispatchId }) => dispatchId === id);
    const ended = rows.reduce((sum, row) => sum + row.accepted + row.rejected + row.unknown, 0);
    const own = new Set(base.messagesOf(id).map((message) => message.id));
    return ended > attempts.filter(({ messageId }) => own.has(messageId)).length;
  });
  const named = [...references].filter((reference) => parseReference(reference) !== undefined);
  return [
    ...named.map((reference) => `P11: the probe ${reference} is named like an attempt`),
    ...told.map(({ reference }) => `P11: the probe ${reference} is taken for a message`),
    ...counted.map(({ id }) => `P11: a probe is counted for ${id.slice(0, 4)}`),
  ];
}

/** However many workers there are: one in a while, and one more each time a gateway comes back. */
export function probesAreSeldom(evidence: Evidence): string[] {
  const { base, losses, probes } = evidence;
  if (losses.length > 0) return [];
  const spans = 2 + (base.now + jumpsMsOf(evidence)) / PROBE_EVERY_MS;
  return [...probes].flatMap(([gatewayId, sent]) => {
    const turns = base.tables.breaker.get(gatewayId)?.turn ?? 0;
    return sent.length > spans + turns ? [`${gatewayId} was probed ${sent.length} times`] : [];
  });
}

/** `src/dispatch/continuity.ts` as steps: whether history is whole, and what is done where not. */
import { neededFromMs } from '#dispatch/listing.ts';
import { parseReference } from '#dispatch/model.ts';
import type { Continuity, SightedText } from '#dispatch/store-continuity.ts';
import type { Parts, SimulatedGateway } from './parts.ts';
import type { Listing } from './provider.ts';
import type { Base } from './twin/rows.ts';
import { request, transact, type SILENCE, type Steps, type TOO_LATE } from './world.ts';

const LIST_MOST_MS = 30_000;

/** What a worker has compared since it started, and until when it waits for the rest. */
export type FirstLook = { readonly waitsUntilMs: number; readonly compared: Set<string> };

const FIRST_LOOK_MS = 10_000;

export function beginFirstLook(startedMs: number): FirstLook {
  return { waitsUntilMs: startedMs + FIRST_LOOK_MS, compared: new Set() };
}

/** True where messages may be sent. */
export function* keepContinuity(
  parts: Parts,
  gateways: readonly SimulatedGateway[],
  firstLook: FirstLook,
): Steps<boolean> {
  const now = yield* transact('reads its history', (base) => parts.twin.readContinuity(base));
  if (now.heldReason !== null && !now.isHeldHere) {
    yield* transact('holds anew', (base) => {
      if (parts.twin.markHeldAnew(base)) parts.twin.notifyAnswers(base);
    });
    return false;
  }
  if (now.heldReason !== null) {
    if (!now.isLookedAt && now.heldForMs! >= settleMs(parts, gateways))
      yield* recover(parts, gateways, now);
    return false;
  }
  if (!now.isSameServer) {
    yield* hold(parts, 'another database, server or timeline', now.readFrom);
    return false;
  }
  const asked = gateways.filter(({ id, canBeAsked }) => canBeAsked && !firstLook.compared.has(id));
  if (now.isProven) return yield* lookFirst(parts, asked, { firstLook, now });
  const isProven = yield* prove(parts, gateways, now);
  if (isProven) for (const { id } of asked) firstLook.compared.add(id);
  return isProven;
}

/** Once the wait is over, what did not answer is not asked any more: here it would hold up a beat. */
function* lookFirst(
  parts: Parts,
  asked: readonly SimulatedGateway[],
  { firstLook, now }: { firstLook: FirstLook; now: Continuity },
): Steps<boolean> {
  let isWhole = true;
  for (const gateway of asked) {
    if (parts.world.now >= firstLook.waitsUntilMs) return true;
    const sighted = yield* readList(parts, gateway, (give) => gateway.provider.newest(give));
    if (sighted === undefined) isWhole = false;
    else if (!(yield* isKnown(parts, gateway, { sighted, now }))) return false;
    else firstLook.compared.add(gateway.id);
  }
  return isWhole;
}

function* isKnown(
  parts: Parts,
  gateway: SimulatedGateway,
  { sighted, now }: { sighted: readonly SightedText[]; now: Continuity },
): Steps<boolean> {
  const unknown = yield* transact('compares its history', (base) =>
    parts.twin.findUnknownReferences(base, sighted),
  );
  if (unknown.length === 0) return true;
  yield* hold(parts, `${gateway.id} has sent texts that are not known`, now.readFrom);
  return false;
}

/** How long whoever claimed before the hold may still be sending. */
function settleMs({ decisions }: Parts, gateways: readonly SimulatedGateway[]): number {
  const leases = gateways.map(({ sendMaxMs }) => decisions.leaseMsFor(sendMaxMs));
  return Math.max(...leases) + decisions.quietMs;
}

function* prove(
  parts: Parts,
  gateways: readonly SimulatedGateway[],
  now: Continuity,
): Steps<boolean> {
  const { twin } = parts;
  for (const gateway of gateways.filter(({ canBeAsked }) => canBeAsked)) {
    const sighted = yield* readSince(parts, gateway, now.readFrom);
    if (sighted === undefined) return false;
    if (!(yield* isKnown(parts, gateway, { sighted, now }))) return false;
  }
  return yield* transact('finds its history whole', (base) => {
    const marked = twin.markProven(base, now.start);
    if (!marked) return false;
    twin.cancelAllSettled(base);
    twin.notifyAnswers(base);
    return true;
  });
}

function* hold({ twin }: Parts, reason: string, readFrom: Date | null): Steps<void> {
  yield* transact(`holds: ${reason}`, (base) => {
    if (twin.markHeld(base, { reason, readFrom })) twin.notifyAnswers(base);
  });
}

function* recover(
  parts: Parts,
  gateways: readonly SimulatedGateway[],
  now: Continuity,
): Steps<void> {
  const { twin } = parts;
  const readings: (readonly [string, readonly SightedText[]])[] = [];
  for (const gateway of gateways.filter(({ canBeAsked }) => canBeAsked)) {
    const sighted = yield* readSince(parts, gateway, now.readFrom);
    if (sighted === undefined) return;
    readings.push([gateway.id, sighted]);
  }
  yield* transact('adopts what was lost', (base) => {
    const gatewayIds = readings.map(([id]) => id);
    let adopted = 0;
    for (const [id, sighted] of readings) adopted += adopt(parts, base, { id, sighted });
    if (twin.markLookedAt(base, { heldSince: now.heldSince!, gatewayIds, adopted }))
      twin.notifyAnswers(base);
  });
}

function adopt(
  { twin }: Parts,
  base: Base,
  { id: gatewayId, sighted }: { id: string; sighted: readonly SightedText[] },
): number {
  const restored = twin.restoreAttempts(base, gatewayId, sighted);
  const adopted = twin.adoptLost(base, gatewayId, restored);
  const seconds = twin.findSecondTexts(
    base,
    restored.map((one) => ({ ...one, gatewayId, to: 'delivered' })),
  );
  const ids = restored.map(({ messageId }) => messageId);
  const neverSent = new Set(twin.listNeverSent(base, ids));
  twin.insertAlarms(base, [
    ...seconds
      .filter(({ messageId }) => !neverSent.has(messageId))
      .map((second) => ({ ...second, kind: 'accepted_twice' as const })),
    ...restored
      .filter(({ messageId }) => neverSent.has(messageId))
      .map(({ messageId, providerId }) => ({
        messageId,
        gatewayId,
        providerId,
        kind: 'sent_unrecorded' as const,
      })),
  ]);
  return adopted.length;
}

/** What the provider has of ours since then; undefined where it could not be read. */
function* readSince(
  parts: Parts,
  gateway: SimulatedGateway,
  from: Date | null,
): Steps<readonly SightedText[] | undefined> {
  const sinceMs = from === null ? -Infinity : neededFromMs(from);
  return yield* readList(parts, gateway, (give) => gateway.provider.list(sinceMs, give));
}

function* readList(
  { installation }: Parts,
  { id }: SimulatedGateway,
  receive: (give: (listing: Listing | 'refused') => void) => void,
): Steps<readonly SightedText[] | undefined> {
  const answer = yield* request<Listing | 'refused' | typeof TOO_LATE | typeof SILENCE>({
    label: `reads the list of ${id}`,
    mayStart: () => true,
    mostMs: LIST_MOST_MS,
    receive,
  });
  if (typeof answer === 'string') return undefined;
  return answer.flatMap((text) => {
    const reference = text.reference ?? '';
    const parts = parseReference(reference);
    if (parts === undefined || !installation.startsWith(parts.installation)) return [];
    const { messageId, epoch, attempt } = parts;
    return [{ ...text, reference, messageId, epoch, attempt }];
  });
}

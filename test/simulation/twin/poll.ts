/** Twins of `src/dispatch/store-poll.ts`. */
import type { PollRequest, ToPoll } from '#dispatch/store-poll.ts';
import { keyOf, type Base } from './rows.ts';

const LIVE_LANES = [1, 2, 4];

export function claimPolls(base: Base, request: PollRequest): ToPoll[] {
  const isLive = [...base.tables.dispatch.values()].some(
    (d) =>
      LIVE_LANES.includes(d.lane) &&
      d.state !== 'held' &&
      d.releasedAt !== null &&
      d.releasedAt > base.now - request.liveForMs,
  );
  const everyMs = isLive ? request.liveMs : request.idleMs;
  return [...base.tables.gateway.values()]
    .filter(
      (gateway) =>
        request.gatewayIds.includes(gateway.id) &&
        gateway.removedAt === null &&
        (gateway.polls === 'always' ||
          (gateway.polls === 'without_token' && gateway.callbackTokenHashes.length === 0)),
    )
    .flatMap((gateway) =>
      (gateway.takesReplies ? (['statuses', 'texts'] as const) : (['statuses'] as const)).flatMap(
        (what) =>
          takePoll(base, { gatewayId: gateway.id, what, everyMs }, request)
            ? [{ gatewayId: gateway.id, what, since: new Date(gateway.createdAt) }]
            : [],
      ),
    );
}

function takePoll(
  base: Base,
  asked: { gatewayId: string; what: 'statuses' | 'texts'; everyMs: number },
  { owner, leaseMs }: PollRequest,
): boolean {
  const key = keyOf(asked.gatewayId, asked.what);
  const before = base.tables.poll.get(key);
  const isLeased = (before?.leaseUntil ?? -Infinity) >= base.now;
  const isEarly = (before?.polledAt ?? -Infinity) > base.now - asked.everyMs;
  if (isLeased || isEarly) return false;
  base.writes += 1;
  base.tables.poll.set(key, {
    gatewayId: asked.gatewayId,
    what: asked.what,
    polledAt: before?.polledAt ?? null,
    owner,
    leaseUntil: base.now + leaseMs,
  });
  return true;
}

export function finishPoll(
  base: Base,
  done: { gatewayId: string; what: string; owner: string },
): void {
  const poll = base.tables.poll.get(keyOf(done.gatewayId, done.what));
  if (poll?.owner !== done.owner) return;
  base.writes += 1;
  poll.polledAt = base.now;
  poll.leaseUntil = null;
}

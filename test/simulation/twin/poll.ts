/** Twins of `src/dispatch/store-poll.ts`. */
import type { PollEnd, PollRequest, ToPoll } from '#dispatch/store-poll.ts';
import { keyOf, type Base } from './rows.ts';

const LIVE_LANES = [1, 2, 4];

function everyMsOf(base: Base, request: PollRequest): number {
  const isLive = [...base.tables.dispatch.values()].some(
    (d) =>
      LIVE_LANES.includes(d.lane) &&
      d.state !== 'held' &&
      d.releasedAt !== null &&
      d.releasedAt > base.now - request.liveForMs,
  );
  return isLive ? request.liveMs : request.idleMs;
}

export function claimPoll(base: Base, request: PollRequest): ToPoll | undefined {
  const { gatewayId, what, owner, leaseMs } = request;
  const gateway = base.tables.gateway.get(gatewayId);
  if (gateway === undefined || gateway.removedAt !== null) return undefined;
  const isAsked =
    gateway.polls === 'always' ||
    (gateway.polls === 'without_token' && gateway.callbackTokenHashes.length === 0);
  if (!isAsked || (what === 'texts' && !gateway.takesReplies)) return undefined;
  const before = base.tables.poll.get(keyOf(gatewayId, what));
  const isLeased = (before?.leaseUntil ?? -Infinity) >= base.now;
  const olderThan = before?.olderThan ?? null;
  const isEarly =
    olderThan === null && (before?.polledAt ?? -Infinity) > base.now - everyMsOf(base, request);
  if (isLeased || isEarly) return undefined;
  base.writes += 1;
  base.tables.poll.set(keyOf(gatewayId, what), {
    gatewayId,
    what,
    polledAt: before?.polledAt ?? null,
    owner,
    leaseUntil: base.now + leaseMs,
    olderThan,
  });
  return { since: new Date(gateway.createdAt), olderThan };
}

export function finishPoll(base: Base, done: PollEnd): void {
  const poll = base.tables.poll.get(keyOf(done.gatewayId, done.what));
  if (poll?.owner !== done.owner) return;
  base.writes += 1;
  poll.polledAt = base.now;
  poll.leaseUntil = null;
  poll.olderThan = done.olderThan;
}

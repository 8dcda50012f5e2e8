/**
 * `src/dispatch/reconcile.ts` as steps: what is due at a gateway is found on the pages of its list,
 * or asked for.
 */
import type { Listed } from '#dispatch/listing.ts';
import type { Found } from '#dispatch/model.ts';
import type { Looked } from '#dispatch/on-pages.ts';
import type { ToCheck } from '#dispatch/store-check.ts';
import type { Parts, SimulatedGateway } from './parts.ts';
import type { Base } from './twin/rows.ts';
import {
  request,
  together,
  transact,
  wait,
  type Host,
  type SILENCE,
  type Steps,
  type TOO_LATE,
} from './world.ts';

const CHECKS_MAX = 50;
export const PAGE_MOST_MS = 30_000;
const PAGE_TRIES = 5;
const PAGE_AGAIN_MS = 1_000;

/** Who asks, and whom. */
export type Place = {
  readonly parts: Parts;
  readonly host: Host;
  readonly gateway: SimulatedGateway;
  readonly isStopping: () => boolean;
};

/** Until nothing is due. */
export function* lookUpDue(place: Place): Steps<void> {
  const { parts, gateway, isStopping } = place;
  const { twin, decisions, lookupPace } = parts;
  const asked = { gatewayIds: [gateway.id], gapMs: decisions.lookupGapMs, most: CHECKS_MAX };
  while (!isStopping()) {
    const due = yield* transact(`claims look-ups of ${gateway.id}`, (base) =>
      twin.claimChecks(base, asked),
    );
    if (due.length === 0) return;
    const { atOnce, listedFrom } = lookupPace;
    const left = due.length < listedFrom ? due : yield* findOnPages(place, due);
    for (let i = 0; i < left.length && !isStopping(); i += atOnce)
      yield* askFor(place, left.slice(i, i + atOnce));
  }
}

function* findOnPages(place: Place, due: readonly ToCheck[]): Steps<readonly ToCheck[]> {
  const { world, decisions, installation, lookupPace: pace } = place.parts;
  const from = world.random.below(due.length);
  const pages = decisions.planPages({ due, installation, place: from, pace });
  let step = pages.next();
  while (step.done !== true) {
    if (step.value.kind === 'keep') {
      yield* keep(place, step.value.looked);
      step = pages.next();
    } else {
      const { olderThan, beside } = step.value;
      const both = [readPage(place, olderThan), askFor(place, beside)] as const;
      const [page] = yield* together(world, place.host, both);
      step = pages.next(page);
    }
  }
  return step.value;
}

/** One page; asked for again where it failed, but for the first. */
function* readPage(
  { gateway, isStopping }: Place,
  olderThan: string | undefined,
): Steps<readonly Listed[] | undefined> {
  for (let tries = 1; !isStopping(); tries += 1) {
    const page = yield* askPage(gateway, olderThan);
    if (page !== undefined || olderThan === undefined || tries === PAGE_TRIES) return page;
    yield* wait(PAGE_AGAIN_MS);
  }
  return undefined;
}

/** One page, undefined where it cannot be told. */
export function* askPage(
  { id, provider }: SimulatedGateway,
  olderThan: string | undefined,
): Steps<readonly Listed[] | undefined> {
  const page = yield* request<readonly Listed[] | 'refused' | typeof TOO_LATE | typeof SILENCE>({
    label: `reads a page of ${id}, ${olderThan?.slice(0, 4) ?? 'the newest'}`,
    mayStart: () => true,
    mostMs: PAGE_MOST_MS,
    receive: (give) => provider.page(olderThan, give),
  });
  return typeof page === 'string' ? undefined : page;
}

function* askFor(place: Place, checks: readonly ToCheck[]): Steps<void> {
  if (checks.length === 0) return;
  const { parts, host } = place;
  const asking = checks.map((check) => ask(place, check));
  yield* keep(place, yield* together(parts.world, host, asking));
}

function* ask({ parts, gateway }: Place, check: ToCheck): Steps<Looked> {
  const reference = referenceOf(parts, check);
  const answer = yield* request<Found | 'refused' | typeof TOO_LATE | typeof SILENCE>({
    label: `looks up ${reference}`,
    mayStart: () => true,
    mostMs: PAGE_MOST_MS,
    receive: (give) => gateway.provider.find(reference, give),
  });
  const found: Found = typeof answer === 'string' ? { answer: 'cannot_tell' } : answer;
  return { ...check, found, foundAttempt: check.attempt };
}

function referenceOf({ decisions, installation }: Parts, check: ToCheck): string {
  const { id: messageId, epoch, attempt } = check;
  return decisions.formatReference({ installation, messageId, epoch, attempt });
}

/** Keeps what was said and moves the messages by it, in one transaction. */
function* keep({ parts, gateway }: Place, looked: readonly Looked[]): Steps<void> {
  const { twin, decisions, installation } = parts;
  const what = looked.map(({ id, found }) => `${id.slice(0, 4)} ${found.answer}`).join(', ');
  yield* transact(`notes ${what}`, (base) => {
    twin.recordLookups(
      base,
      looked.map((one) => ({
        messageId: one.id,
        reference: referenceOf(parts, { ...one, attempt: one.foundAttempt }),
        answer: one.found.answer,
        status: one.found.answer === 'found' ? one.found.status : null,
      })),
    );
    for (const one of looked) if (one.state === 'unknown') resolveUnknown(parts, base, one);
    for (const one of looked) applyStatus(parts, base, { one, gatewayId: gateway.id });
    twin.insertAlarms(
      base,
      looked.flatMap((one) => decisions.alarmsOf(installation, one)),
    );
  });
}

function resolveUnknown({ twin, decisions }: Parts, base: Base, looked: Looked): void {
  const { id, attempt, foundAttempt, found, absences } = looked;
  const step = decisions.afterLookup(found, { absences, gapMs: decisions.lookupGapMs });
  if (step.kind === 'adopt') {
    const { providerId } = step;
    twin.adoptMessages(base, [{ id, attempt, foundAttempt, providerId }]);
  } else if (step.kind === 'requeue') twin.requeueMessages(base, [{ id, attempt }]);
  else {
    const { inMs } = step;
    twin.setNextChecks(base, [{ id, attempt, inMs, absences: step.absences }]);
  }
}

function applyStatus(
  { twin, decisions }: Parts,
  base: Base,
  { one, gatewayId }: { one: Looked; gatewayId: string },
): void {
  const { id, attempt, foundAttempt, state, found } = one;
  const to = found.answer === 'found' ? decisions.meaningOf(found.status) : undefined;
  if (found.answer === 'found' && (to === 'delivered' || to === 'undelivered')) {
    const { providerId } = found;
    const told = { gatewayId, messageId: id, attempt: foundAttempt, providerId, to };
    twin.applyReceipts(base, [told]);
  } else if (state === 'accepted') twin.setNextReceiptAsks(base, [{ id, attempt }]);
}

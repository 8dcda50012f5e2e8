/**
 * Many look-ups of one gateway at once: what the pages of its list decide, and what is asked for
 * one by one. Here is only what to ask next; whoever asks is the shell (`reconcile.ts`).
 */
import {
  neededFromMs,
  planReading,
  provesAbsence,
  type Listed,
  type Reading,
  type Sighting,
} from './listing.ts';
import type { Found } from './model.ts';
import type { ToCheck } from './store-check.ts';

/** One message that was asked for, and what the provider said of it. */
export type Looked = ToCheck & { readonly found: Found; readonly foundAttempt: number };

export type LookupPace = {
  /** So many of one gateway are looked for on pages; fewer are asked for. */
  readonly listedFrom: number;
  /** From this page on the doubts lie deep: what is left is asked for beside the pages. */
  readonly pagesAlone: number;
  /** Look-ups under way at once. */
  readonly atOnce: number;
  /** So many are left to be asked for, at least, where the pages end. */
  readonly leftMin: number;
};

/** A page tells of 250: from a few on it is cheaper to read than to ask. */
export const lookupPace: LookupPace = {
  listedFrom: 20,
  pagesAlone: 20,
  atOnce: 8,
  leftMin: 50,
};

/** What to do next: ask for a page and, at the same time, for some of the messages; or keep. */
export type PagesStep =
  | {
      readonly kind: 'ask';
      readonly olderThan: string | undefined;
      readonly beside: readonly ToCheck[];
    }
  | { readonly kind: 'keep'; readonly looked: readonly Looked[] };

export type PagesRequest = {
  readonly due: readonly ToCheck[];
  readonly installation: string;
  /** Which of them is asked for first; other workers may be at the same ones. */
  readonly place: number;
  readonly marginMs?: number | undefined;
  readonly pace?: LookupPace;
};

/**
 * Keeps what the provider's list decides of the checks: found on it, or proved absent by it. Each
 * page at once, for after a busy hour there are hundreds, and who reads may be killed before the
 * last. It ends where asking for the others, several at once, takes no longer than the pages took,
 * which come one after the other: so never more than twice the time of whoever knew it in advance.
 * Deep down a few are asked for beside each page, or whoever reads could be killed each time before
 * it comes to them. Takes each page that was asked for, undefined where it cannot be told; returns
 * those to ask for.
 */
export function* planPages(
  request: PagesRequest,
): Generator<PagesStep, readonly ToCheck[], readonly Listed[] | undefined> {
  const { due, installation, place, marginMs, pace = lookupPace } = request;
  const told = new Map<string, number>();
  const asked = new Set<string>();
  let left = [...due.slice(place), ...due.slice(0, place)];
  const fromMs = Math.min(...due.map(({ claimedAt }) => neededFromMs(claimedAt, marginMs)));
  const reading = planReading({ installation, fromMs });
  let page: readonly Listed[] | undefined;
  let beside: readonly ToCheck[] = [];
  for (let pages = 1; ;) {
    const step = reading.next(page);
    if (step.done === true)
      return left.slice(0, Math.max(pace.leftMin, pages * pace.atOnce) - beside.length);
    if (step.value.kind === 'ask') {
      beside = pages > pace.pagesAlone ? left.slice(0, pace.atOnce) : [];
      page = yield { ...step.value, beside };
      for (const { id } of beside) asked.add(id);
      left = left.slice(beside.length);
      continue;
    }
    const { reading: soFar } = step.value;
    const looked = due.flatMap((check) => {
      const found = asked.has(check.id) ? undefined : onPages(soFar, check, marginMs);
      // Once more where an older page has another text of it.
      const isNews = found !== undefined && told.get(check.id) !== sightedOf(soFar, check);
      return isNews ? [{ ...check, ...found }] : [];
    });
    if (looked.length > 0) yield { kind: 'keep', looked };
    for (const check of looked) told.set(check.id, sightedOf(soFar, check));
    left = left.filter(({ id }) => !told.has(id));
    if (left.length <= pages * pace.atOnce) return left;
    pages += 1;
  }
}

/** How many texts of it were seen. */
function sightedOf(reading: Reading, { id }: ToCheck): number {
  return reading.sightings.get(id)?.length ?? 0;
}

function onPages(
  reading: Reading,
  check: ToCheck,
  marginMs: number | undefined,
): Pick<Looked, 'found' | 'foundAttempt'> | undefined {
  const [first, ...others] = reading.sightings.get(check.id) ?? [];
  // A later attempt than we know of: history was lost, which is settled elsewhere (continuity.ts).
  if ([first, ...others].some((one) => one !== undefined && one.attempt > check.attempt))
    return { found: { answer: 'cannot_tell' }, foundAttempt: check.attempt };
  if (first !== undefined) return sighted(check, first, others);
  return provesAbsence(reading, check.claimedAt, marginMs)
    ? { found: { answer: 'absent' }, foundAttempt: check.attempt }
    : undefined;
}

/** What an accepted message is asked for is its own text; of an unknown the first one counts. */
function sighted(check: ToCheck, first: Sighting, others: readonly Sighting[]) {
  const own = [first, ...others].find(({ attempt }) => attempt === check.attempt);
  const counted = check.state === 'accepted' && own !== undefined ? own : first;
  const doubles = [first, ...others].filter((one) => one !== counted);
  return {
    found: {
      answer: 'found' as const,
      providerId: counted.providerId,
      status: counted.status,
      doubles: doubles.map(({ providerId }) => providerId),
    },
    foundAttempt: counted.attempt,
  };
}

/**
 * What a provider's list of recent texts proves. Asked one by one, 5,000 unknowns are 5,000
 * requests; read page by page they are 20.
 *
 * The rule: a text that is not on the pages was never accepted, if the pages reach from now back
 * past the start of its request, and by a margin, because that start is told by our clock and the
 * pages are dated by theirs. A reading that broke off proves nothing about what is older.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseReference } from './model.ts';

/** One text as the provider lists it. */
export type Listed = {
  readonly providerId: string;
  readonly reference: string | null;
  readonly status: string;
  readonly createdAt: Date;
};

/** One page, newest first, strictly older than that text; undefined where it cannot be told. */
export type ListPage = (olderThan?: string) => Promise<readonly Listed[] | undefined>;

/** One attempt of ours that the provider has. */
export type Sighting = Listed & {
  readonly messageId: string;
  readonly epoch: number;
  readonly attempt: number;
};

export type Reading = {
  /** By message, the oldest first: if there are two, the first is the one that counts. */
  readonly sightings: ReadonlyMap<string, readonly Sighting[]>;
  /** Everything younger than this was seen, in ms since 1970. */
  readonly coversFromMs: number;
};

type Sightings = Map<string, readonly Sighting[]>;

/**
 * Notify refuses a token whose time is 30 s off, and two clocks of ours may be as far apart; what
 * is more costs pages and proves no better.
 */
export const marginMs = 120_000;

/** How far back the pages must go to prove the absence of a request that began then, in ms. */
export function neededFromMs(requestBeganAt: Date, margin = marginMs): number {
  return requestBeganAt.getTime() - margin;
}

/** True where a request that began then, and is not among the sightings, was never accepted. */
export function provesAbsence(reading: Reading, requestBeganAt: Date, margin = marginMs): boolean {
  return reading.coversFromMs < neededFromMs(requestBeganAt, margin);
}

/**
 * Where to read on: the oldest text that is younger than the last of the page. The next page then
 * begins with that last one, and with those of the same instant, which "older than the last" would
 * pass over. Undefined where all of the page is of one instant.
 */
export function nextCursor(page: readonly Listed[]): string | undefined {
  const oldest = page.at(-1)?.createdAt.getTime();
  if (oldest === undefined) return undefined;
  return page.findLast(({ createdAt }) => createdAt.getTime() > oldest)?.providerId;
}

export type ReadingRequest = {
  readonly list: ListPage;
  /** Only references of this installation are ours. */
  readonly installation: string;
  /** Reads until everything younger than this is covered. */
  readonly fromMs: number;
};

const PAGE_TRIES = 5;
const PAGE_AGAIN_MS = 1_000;

/**
 * The pages of a provider, each asked for again where it failed: after a busy hour there are
 * hundreds, and one answer that was lost must not make all of them be read anew, or leave what is
 * older undecided. The first one is not: nothing is lost yet.
 */
export function patiently(
  provider: { readonly list?: ListPage },
  isStopping: () => boolean,
): ListPage {
  return async (olderThan) => {
    for (let tries = 1; !isStopping(); tries += 1) {
      const page = await provider.list?.(olderThan);
      if (page !== undefined || olderThan === undefined || tries === PAGE_TRIES) return page;
      await delay(PAGE_AGAIN_MS);
    }
    return undefined;
  };
}

/** Reads back until the time asked for is covered, or nobody can tell; all of it in the end. */
export async function readBack({ list, ...sought }: ReadingRequest): Promise<Reading> {
  let reading: Reading = { sightings: new Map(), coversFromMs: Infinity };
  const pages = planReading(sought);
  let step = pages.next();
  while (step.done !== true) {
    if (step.value.kind === 'read') reading = step.value.reading;
    step = pages.next(step.value.kind === 'ask' ? await list(step.value.olderThan) : undefined);
  }
  return reading;
}

/** What a reading comes to next: a page to ask for, newest first, or what the pages told so far. */
export type ReadingStep =
  | { readonly kind: 'ask'; readonly olderThan: string | undefined }
  | { readonly kind: 'read'; readonly reading: Reading };

/** What is sought, whoever asks for the pages. */
export type Sought = Pick<ReadingRequest, 'installation' | 'fromMs'>;

type Page = readonly Listed[] | undefined;

/**
 * The same without the asking, told after each page: what a page says is true whatever becomes of
 * the next one. Takes the page that was asked for, undefined where it cannot be told. Each reading
 * is the one before with more in it. None where the first page cannot be read.
 */
export function* planReading({ installation, fromMs }: Sought): Generator<ReadingStep, void, Page> {
  const seen = new Set<string>();
  const sightings: Sightings = new Map();
  let coversFromMs = Infinity;
  let cursor: string | undefined;
  let longest = FULL_PAGE_MIN;
  while (!reaches(coversFromMs, fromMs)) {
    const before = cursor;
    const page: Page = yield { kind: 'ask', olderThan: before };
    // After the first page there is always the text that was read before. An empty one says that
    // the text we counted from is gone: taken for the end, it would prove what it does not.
    if (page === undefined || (page.length === 0 && before !== undefined)) return;
    const news = page.filter(({ providerId }) => !seen.has(providerId));
    for (const { providerId } of news) seen.add(providerId);
    addSightings(sightings, installation, news);
    cursor = nextCursor(page);
    const isEnd =
      news.length === 0 ||
      (cursor === undefined && page.length < longest && (yield* isAllThereIs(page, before)));
    longest = Math.max(longest, page.length);
    coversFromMs = isEnd ? -Infinity : page.at(-1)!.createdAt.getTime();
    yield { kind: 'read', reading: { sightings, coversFromMs } };
    if (cursor === undefined) return;
  }
}

/** True where a reading that covers so much goes back to the time asked for. */
export function reaches(coversFromMs: number, fromMs: number): boolean {
  return coversFromMs === -Infinity || coversFromMs < fromMs;
}

/**
 * No provider lists in smaller steps: a page is not full where it is shorter, or shorter than one
 * before it. What a full page of one instant leaves out is not known.
 */
const FULL_PAGE_MIN = 50;

/**
 * True where a page of one instant that is not full ends the list: nothing is older, and the text
 * we counted from is still there, or its absence would look like the end.
 */
function* isAllThereIs(
  page: readonly Listed[],
  cursor: string | undefined,
): Generator<ReadingStep, boolean, Page> {
  const last = page.at(-1)!.providerId;
  const older = yield { kind: 'ask', olderThan: last };
  if (older?.length !== 0) return false;
  const again = yield { kind: 'ask', olderThan: cursor };
  return again?.some(({ providerId }) => providerId === last) ?? false;
}

/** The attempts of ours among texts that are listed newest first. */
export function sightingsOf(installation: string, listed: readonly Listed[]): Reading['sightings'] {
  const sightings: Sightings = new Map();
  addSightings(sightings, installation, listed);
  return sightings;
}

/** Adds those of a page to what younger pages told. */
function addSightings(sightings: Sightings, installation: string, listed: readonly Listed[]): void {
  for (const text of listed) {
    const parts = text.reference === null ? undefined : parseReference(text.reference);
    if (parts === undefined || !installation.startsWith(parts.installation)) continue;
    const { messageId, epoch, attempt } = parts;
    const sighting = { ...text, messageId, epoch, attempt };
    // Before those of the same instant: of them, too, the oldest comes last in the list.
    const all = [sighting, ...(sightings.get(messageId) ?? [])];
    sightings.set(
      messageId,
      all.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime()),
    );
  }
}

/** An alert and its versions: what they hold, and what may change when. Pure. */
import type { Marking } from '#kernel/marking.ts';
import { canonicalContent, missingContent, type Content } from './content/model.ts';
import { canonicalReaders, withoutIfActed, type ReaderWords } from './readers/model.ts';

/** What each state of a version means, in one sentence. */
export const versionStates = {
  draft: 'being written; nobody outside sees it',
  submitted: 'frozen, waits for a second person',
  released: 'sent, or being sent',
  superseded: 'a later version took its place',
  closed: 'over: no more answers are chased',
  abandoned: 'given up before it was sent',
} as const;

export type VersionState = keyof typeof versionStates;

/** Every legal move of a version. Returning and editing both lead back to draft (P5). */
export const versionMoves = {
  draft: ['submitted', 'abandoned'],
  submitted: ['draft', 'released'],
  // Back to draft: recalled before anything left.
  released: ['draft', 'superseded', 'closed'],
  superseded: [],
  closed: [],
  // Given up by mistake.
  abandoned: ['draft'],
} as const satisfies Record<VersionState, readonly VersionState[]>;

/** What a version is to the one before it. */
export const versionKinds = {
  first: 'the first that goes out',
  update: 'adds to what is out; who answered has answered, unless it asks again',
  correction: 'what is out was wrong: everybody answers again',
  withdrawal: 'what is out does not hold any more, and nothing takes its place',
} as const;

export type VersionKind = keyof typeof versionKinds;

/** The words of one version, as the author left them. */
export type Wording = {
  readonly title: string;
  readonly severity: string;
  readonly marking: Marking;
  /** What is happening, in one short sentence: it goes into the text. */
  readonly what: string;
  /** What to do now, in one short sentence: it goes into the text. */
  readonly doNow: string;
  /** Of a correction: what to do for whoever acted on the words before, in one short sentence. */
  readonly ifActed: string;
  /** What to do now, in words that anybody may read: it goes into texts that may not carry the rest. */
  readonly clearLine: string;
  readonly notKnown: string;
  readonly nextUpdateAt: Date | null;
  /** What is known of the threat, and what to do about it in the end. */
  readonly content: Content;
  /** Markdown; shown on the page and sent in the mail. */
  readonly body: string;
  /** The author's own text; null for the usual wording. */
  readonly ownText: string | null;
  /** Words for readers of other kinds, in texts. */
  readonly readerWords: ReaderWords;
  /** Whether who answered an earlier version answers again; only an update may leave it. */
  readonly asksAgain: boolean;
};

/** The words as far as a version of this kind has them. */
export function wordsOf(kind: VersionKind, wording: Wording): Wording {
  return {
    ...wording,
    ifActed: kind === 'correction' ? wording.ifActed : '',
    readerWords: kind === 'correction' ? wording.readerWords : withoutIfActed(wording.readerWords),
    asksAgain: kind === 'update' ? wording.asksAgain : kind !== 'withdrawal',
  };
}

/** The dispatches of a submission: that of a later version has two. */
export function dispatchesOf(
  submission: { dispatchId: string; correctionDispatchId: string | null } | undefined,
): string[] {
  if (submission === undefined) return [];
  const { dispatchId, correctionDispatchId } = submission;
  return correctionDispatchId === null ? [dispatchId] : [correctionDispatchId, dispatchId];
}

/** Why a version cannot be submitted yet, by field; empty where it can. */
export function missingForSubmission(
  kind: VersionKind,
  wording: Wording,
  now: Date,
): Record<string, string> {
  const missing: Record<string, string> = {};
  if (wording.title.trim() === '') missing['title'] = 'Enter a title';
  if (wording.what.trim() === '') missing['what'] = 'Say what is happening, in one sentence';
  if (wording.doNow.trim() === '') missing['doNow'] = 'Say what to do now, in one sentence';
  if (kind === 'correction' && wording.ifActed.trim() === '')
    missing['ifActed'] =
      'Say under “If you acted already” what to do for whoever acted on the words before';
  if (wording.nextUpdateAt === null)
    missing['nextUpdateAt'] = 'Enter when the next update will come';
  else if (wording.nextUpdateAt <= now)
    missing['nextUpdateAt'] = 'The next update must be in the future';
  return { ...missing, ...missingContent(wording.content, now) };
}

/** What a hash of the version covers beside its messages: the page that readers will open. */
export function canonicalWording(wording: Wording): string {
  return JSON.stringify([
    wording.title,
    wording.severity,
    wording.marking,
    wording.what,
    wording.doNow,
    wording.ifActed,
    wording.clearLine,
    wording.notKnown,
    wording.nextUpdateAt?.toISOString() ?? null,
    wording.body,
    wording.ownText,
    wording.asksAgain,
    canonicalContent(wording.content),
    canonicalReaders(wording.readerWords),
  ]);
}

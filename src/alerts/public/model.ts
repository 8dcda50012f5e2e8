/** What anybody may read of an alert: the version that holds, and how it came to be. Pure. */
import type { Marking } from '#kernel/marking.ts';
import type { VersionKind } from '../model.ts';
import { changeOf, changesOfSections, withContext, type Change } from '../diff.ts';
import type { Content, Section } from '../content/model.ts';
import type { KevSaid } from '../kev/model.ts';

export type PublicVersion = {
  readonly alertNumber: number;
  /** Rehearsed, not meant. */
  readonly exercise: boolean;
  readonly number: number;
  readonly kind: VersionKind;
  readonly state: 'released' | 'superseded' | 'closed';
  readonly title: string;
  readonly severity: string;
  readonly marking: Marking;
  readonly what: string;
  readonly doNow: string;
  readonly ifActed: string;
  readonly notKnown: string;
  readonly nextUpdateAt: Date | null;
  readonly body: string;
  readonly asksAgain: boolean;
  readonly releasedAt: Date;
  readonly closedAt: Date | null;
  readonly content: Content;
  readonly kev: KevSaid | null;
  /** The number of the alert that takes the place of this one. */
  readonly superseding: number | null;
  /** One person let it go, and nobody else has looked at it in the promised time. */
  readonly isReviewLate: boolean;
};

export type PublicAlert = {
  /** What holds now, or held until it was closed. */
  readonly current: PublicVersion;
  /** What held before, the newest first. */
  readonly earlier: readonly PublicVersion[];
};

/** How a version that follows another one is called, and what it is to the one before. */
const followers = {
  update: { word: 'UPDATED', says: 'It adds to what we said before.' },
  correction: { word: 'CORRECTED', says: 'What we said before was wrong: go by this.' },
  withdrawal: {
    word: 'WITHDRAWN',
    says: 'It does not hold any more. If you acted on it, undo that.',
  },
} as const satisfies Record<Exclude<VersionKind, 'first'>, { word: string; says: string }>;

export function wordOf(kind: VersionKind): string {
  return kind === 'first' ? 'PUBLISHED' : followers[kind].word;
}

export type Banner = {
  readonly kind: VersionKind;
  readonly word: string;
  readonly says: string;
};

/** Undefined where nothing was out before. */
export function bannerOf({ kind, asksAgain }: PublicVersion): Banner | undefined {
  if (kind === 'first') return undefined;
  const { word, says } = followers[kind];
  const again = 'Please answer again, also if you did before.';
  return { kind, word, says: asksAgain && kind !== 'withdrawal' ? `${says} ${again}` : says };
}

/** How a version is written for readers. */
export type Written = {
  readonly severityLabel: (severity: string) => string;
  readonly sections: (version: PublicVersion) => readonly Section[];
};

/** What reads otherwise than in the version before, word by word, in the order of the page. */
export function changesSince(
  before: PublicVersion,
  after: PublicVersion,
  { severityLabel, sections }: Written,
): Change[] {
  const fields: readonly (readonly [string, (version: PublicVersion) => string])[] = [
    ['Title', ({ title }) => title],
    ['Severity', ({ severity }) => severityLabel(severity)],
    ['Marking', ({ marking }) => `TLP:${marking}`],
    ['What is happening', ({ what }) => what],
    ['Do now', ({ doNow }) => doNow],
    ['Not known yet', ({ notKnown }) => notKnown],
  ];
  return [
    ...fields.flatMap(([label, of]) => changeOf(label, of(before), of(after))),
    ...changesOfSections(sections(before), sections(after)),
    ...changeOf('Details', before.body, after.body),
  ].map(({ label, parts }) => ({ label, parts: withContext(parts) }));
}

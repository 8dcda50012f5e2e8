/** What anybody may read of an alert: the version that holds, and how it came to be. Pure. */
import type { Marking } from '#kernel/marking.ts';
import type { VersionKind } from '../model.ts';
import type { Content } from '../content/model.ts';

export type PublicVersion = {
  readonly alertNumber: number;
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
  /** The number of the alert that takes the place of this one. */
  readonly superseding: number | null;
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

export type Change = {
  readonly label: string;
  /** How it was; null where that is too long for a line. */
  readonly before: string | null;
};

/** What reads otherwise than in the version before, in the order of the page. */
export function changesSince(
  before: PublicVersion,
  after: PublicVersion,
  severityLabel: (severity: string) => string,
): Change[] {
  const lines = [
    ['Title', before.title, after.title],
    ['Severity', severityLabel(before.severity), severityLabel(after.severity)],
    ['Marking', `TLP:${before.marking}`, `TLP:${after.marking}`],
    ['What is happening', before.what, after.what],
    ['Do now', before.doNow, after.doNow],
    ['Not known yet', before.notKnown || 'nothing was said', after.notKnown || 'nothing was said'],
  ] as const;
  return [
    ...lines
      .filter(([, was, is]) => was !== is)
      .map(([label, was]): Change => ({ label, before: was })),
    ...(before.body === after.body ? [] : [{ label: 'Details', before: null }]),
  ];
}

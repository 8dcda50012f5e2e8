/**
 * What an alert says of the threat beside its four fields: what is known, what is safe, what to do
 * step by step, and who else says so. Everything may be left empty. Pure.
 */
import { within, type Marking } from '#kernel/marking.ts';
import { kevSection, type KevSaid } from '#alerts/kev/model.ts';
import type { Answers, OperatingModel } from '#operating-model/index.ts';

export const exploitedAnswers = { yes: 'Yes', no: 'No', not_known: 'Not known' } as const;

export type Exploited = keyof typeof exploitedAnswers;

/** As the NHS cyber alerts type their steps. */
export const stepTypes = ['Patch', 'Guidance', 'Action', 'Aware'] as const;

export type Step = {
  readonly type: (typeof stepTypes)[number];
  readonly text: string;
  /** Where it is said at length; '' where nowhere. */
  readonly link: string;
};

/** A trace by which an attack is found, such as a file name, and what kind of trace it is. */
export type Indicator = { readonly kind: string; readonly value: string };

/** What another body published, and this alert stands behind. */
export type Notice = { readonly body: string; readonly title: string; readonly url: string };

/** The answers that propose a severity, and why it is another one; '' where it is that one. */
export type Assessment = Answers & { readonly reason: string };

/** Kept as JSON, so instants are ISO 8601 in UTC. */
export type Content = {
  /** Whether it is being exploited now. */
  readonly exploited: Exploited | null;
  /** What is safe to keep using; '' where nothing is said. */
  readonly safe: string;
  /** When that was so. */
  readonly safeAsAt: string | null;
  readonly remediateBy: string | null;
  /** The number of the alert that this one takes the place of. */
  readonly supersedes: number | null;
  /** Ids of the operating model. */
  readonly threatType: string | null;
  readonly categories: readonly string[];
  /** By which ways it comes. */
  readonly vectors: readonly string[];
  readonly platforms: readonly string[];
  readonly cves: readonly string[];
  readonly steps: readonly Step[];
  readonly indicators: readonly Indicator[];
  /** Addresses of the authority to follow. */
  readonly sources: readonly string[];
  readonly endorsed: readonly Notice[];
  /** Null: the severity was chosen without the matrix. For the centre, not for readers. */
  readonly assessment: Assessment | null;
  /** What others declared: a level by scale, ids of the operating model. */
  readonly declared: Readonly<Record<string, string>>;
};

export const noContent = {
  exploited: null,
  safe: '',
  safeAsAt: null,
  remediateBy: null,
  supersedes: null,
  threatType: null,
  categories: [],
  vectors: [],
  platforms: [],
  cves: [],
  steps: [],
  indicators: [],
  sources: [],
  endorsed: [],
  assessment: null,
  declared: {},
} satisfies Content;

/** In one order, whatever the order of the keys: what a hash covers and a comparison goes by. */
export function canonicalContent(content: Content): unknown[] {
  const { assessment } = content;
  return [
    content.exploited,
    content.safe,
    content.safeAsAt,
    content.remediateBy,
    content.supersedes,
    content.threatType,
    content.categories,
    content.vectors,
    content.platforms,
    content.cves,
    content.steps.map(({ type, text, link }) => [type, text, link]),
    content.indicators.map(({ kind, value }) => [kind, value]),
    content.sources,
    content.endorsed.map(({ body, title, url }) => [body, title, url]),
    assessment && [assessment.impact, assessment.spread, assessment.confidence, assessment.reason],
    Object.entries(content.declared).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ];
}

/** Why it cannot be submitted yet, by field. */
export function missingContent(content: Content, now: Date): Record<string, string> {
  const missing: Record<string, string> = {};
  const { safe, safeAsAt, remediateBy } = content;
  if (safe !== '' && safeAsAt === null)
    missing['safeAsAt'] = 'Enter as at when it was safe: it may not be later';
  if (safeAsAt !== null && new Date(safeAsAt) > now)
    missing['safeAsAt'] = 'What is safe cannot be known as at a time to come';
  if (remediateBy !== null && new Date(remediateBy) <= now)
    missing['remediateBy'] = 'The deadline must be in the future';
  return missing;
}

/** One line for a reader; `href` where it leads somewhere. */
export type Entry = { readonly text: string; readonly href?: string };

/** What readers see under one heading. */
export type Section = {
  readonly key: string;
  readonly label: string;
  readonly entries: readonly Entry[];
};

export type Showing = {
  readonly model: Pick<OperatingModel, 'threats' | 'declaredScales'>;
  /** A time as readers see it. */
  readonly formatTime: (at: Date) => string;
};

/** What an alert says of the threat, and what the catalogue said of its CVEs when it was frozen. */
export type Said = { readonly content: Content; readonly kev: KevSaid | null };

/** All that is said, in the order in which readers need it: preview, page, approval and mail. */
export function sectionsOf({ content, kev }: Said, showing: Showing): Section[] {
  const all = [
    ...whatToDo({ content, kev }, showing),
    ...whatItIs(content, showing),
    ...whoSaysSo(content, showing),
  ];
  return all.filter(({ entries }) => entries.length > 0);
}

function whatToDo({ content, kev }: Said, { formatTime }: Showing): Section[] {
  const { exploited, safe, safeAsAt, remediateBy } = content;
  const at = (instant: string) => formatTime(new Date(instant));
  return [
    {
      key: 'safe',
      label: safeAsAt === null ? 'Safe to keep using' : `Safe to keep using, as at ${at(safeAsAt)}`,
      entries: textEntries(safe === '' ? [] : [safe]),
    },
    {
      key: 'exploited',
      label: 'Exploited now',
      entries: textEntries(exploited === null ? [] : [exploitedAnswers[exploited]]),
    },
    kevSection(kev, formatTime),
    {
      key: 'remediateBy',
      label: 'Remediate by',
      entries: textEntries(remediateBy === null ? [] : [at(remediateBy)]),
    },
    {
      key: 'steps',
      label: 'Steps',
      entries: content.steps.map(({ type, text, link }) => ({
        text: `${type}: ${text}`,
        ...(link !== '' && { href: link }),
      })),
    },
  ];
}

function whatItIs(content: Content, { model }: Showing): Section[] {
  const { types, categories, vectors } = model.threats;
  const threat = [content.threatType, ...content.categories].filter((id) => id !== null);
  const named = (ids: readonly string[], labels: Readonly<Record<string, string>>) =>
    textEntries(ids.length === 0 ? [] : [ids.map((id) => labels[id] ?? id).join(', ')]);
  return [
    { key: 'platforms', label: 'Affected', entries: textEntries(content.platforms) },
    { key: 'threat', label: 'Kind of threat', entries: named(threat, { ...categories, ...types }) },
    { key: 'vectors', label: 'Comes by', entries: named(content.vectors, vectors) },
    {
      key: 'indicators',
      label: 'Indicators of compromise',
      entries: textEntries(content.indicators.map(({ kind, value }) => `${kind}: ${value}`)),
    },
    {
      key: 'cves',
      label: 'Vulnerabilities',
      entries: content.cves.map((cve) => ({
        text: cve,
        href: `https://www.cve.org/CVERecord?id=${cve}`,
      })),
    },
  ];
}

function whoSaysSo(content: Content, { model }: Showing): Section[] {
  const { supersedes } = content;
  return [
    {
      key: 'declared',
      label: 'Declared by others',
      entries: textEntries(declaredOf(content, model)),
    },
    {
      key: 'sources',
      label: 'Definitive source',
      entries: content.sources.map((href) => ({ text: href, href })),
    },
    {
      key: 'endorsed',
      label: 'Also published, and endorsed by us',
      entries: content.endorsed.map(({ body, title, url }) => ({
        text: `${body}: ${title}`,
        href: url,
      })),
    },
    {
      key: 'supersedes',
      label: 'Takes the place of',
      entries: supersedes === null ? [] : [{ text: `Alert ${supersedes}`, href: `/${supersedes}` }],
    },
  ];
}

/**
 * What leaves the centre of it: above the ceiling of indicators (design section 7) readers are told
 * that there are some, and whom to ask.
 */
export function sectionsToReaders(
  { content, kev, marking }: Said & { readonly marking: Marking },
  {
    model,
    formatTime,
  }: Showing & { readonly model: Pick<OperatingModel, 'markingCeilings' | 'helpLine'> },
): Section[] {
  const sections = sectionsOf({ content, kev }, { model, formatTime });
  if (within(marking, model.markingCeilings.indicators)) return sections;
  const text = `Not told here at TLP:${marking}. Ring ${model.helpLine}`;
  return sections.map((one) => (one.key === 'indicators' ? { ...one, entries: [{ text }] } : one));
}

/** `NCSC category 2, highly significant (declared by …)`; an id that is gone stays as it is. */
function declaredOf(
  { declared }: Content,
  { declaredScales: scales }: Pick<OperatingModel, 'declaredScales'>,
): string[] {
  return Object.entries(declared).map(([id, level]) => {
    const scale = scales[id];
    const words = `${scale?.label ?? id} ${scale?.levels[level] ?? level}`;
    return scale === undefined ? words : `${words} (declared by ${scale.setBy})`;
  });
}

const textEntries = (texts: readonly string[]): Entry[] => texts.map((text) => ({ text }));

/** A section as a mail has it: addresses written out. */
export function sectionAsText({ label, entries }: Section, origin: string): string {
  const lines = entries.map(({ text, href }) => {
    if (href === undefined || href === text) return text;
    return `${text} ${href.startsWith('/') ? origin : ''}${href}`;
  });
  const [only] = lines;
  return `${label.toUpperCase()}\n${lines.length === 1 ? only : lines.map((one) => `- ${one}`).join('\n')}`;
}

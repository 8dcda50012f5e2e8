/** What somebody did to one thing. The actor and the time are filled in by the database. */
export type NewEntry = {
  /** `subject.past_participle`, such as `alert.submitted`. */
  readonly action: string;
  readonly subject: Subject;
  /** Ids, counts, hashes, states. Never a number, an address or the text of a post (P12). */
  readonly detail?: Readonly<Record<string, unknown>>;
};

/** What an entry is about: a kind such as `alert` or `dispatch`, and its id. */
export type Subject = { readonly kind: string; readonly id: string };

export type Entry = {
  readonly id: string;
  readonly at: Date;
  readonly actorKind: string;
  readonly actorId: string;
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  /** Empty where it was erased. */
  readonly detail: Readonly<Record<string, unknown>>;
  readonly isErased: boolean;
};

/** What entries are looked for by; all of it must fit. */
export type EntrySearch = {
  /** One of these did it. */
  readonly actorIds?: readonly string[] | undefined;
  readonly action?: string | undefined;
  /** It is about one of these kinds. */
  readonly subjectKinds?: readonly string[] | undefined;
  readonly subjectId?: string | undefined;
  /** Minutes in London, `2026-11-23T04:00`; both count. */
  readonly from?: string | undefined;
  readonly until?: string | undefined;
};

export type EntryPage = {
  /** Newest first. */
  readonly entries: readonly Entry[];
  /** The `cursor` of the next page; absent on the last one. */
  readonly nextCursor?: string;
};

/** Why nothing is signed, in the words of the page: what it means and what to do. */
export const stopReasons = {
  shorter:
    'The log is shorter than a checkpoint that was exported: a backup was restored, or somebody cut it. Run bin/tocsin audit verify.',
  differs:
    'The log does not go on from a checkpoint that was exported: its history was changed. Keep the database as it is, and run bin/tocsin audit verify.',
  key_missing:
    'The key that signs is not in the data folder. Bring audit-keys.json back from your backup, or run bin/tocsin audit rotate-key.',
  cannot_write:
    'The file of checkpoints cannot be read or written. Free some space, or see the rights on it.',
} as const;

export type StopReason = keyof typeof stopReasons;

// What is long and full of digits but nobody's number: ids, hashes, times. Taken out first, or an
// unlucky id would be refused as a phone number once in some thousand entries.
const INNOCENT = [
  /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi,
  /\b[0-9a-f]{32,}\b/gi,
  /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?/g,
];

// Bounded (RFC 5321, section 4.5.3.1): without bounds a long text took time by its square.
const ADDRESS = /[^\s@<>"]{1,64}@[^\s@<>"]{1,190}\.[^\s@<>"]{1,63}/;

const PHONE_NUMBERS = [
  // +44 7700 900123, 0044 …, 07700 900123, 0300 000 0000: spaces, dots, hyphens, brackets between.
  /(?<![\w.])\(?(?:\+|0)\(?\d(?:[\s().-]{0,2}\d){8,13}(?!\w)/,
  // The same without its sign (447700900123) or without its nought (7700900123), as spreadsheets
  // and gateways write them.
  /(?<![\w.])(?:44[1-9]\d{9}|7[1-9]\d{8})(?![\w])/,
];

/**
 * Where `value` holds something that looks like a phone number or a mail address: the path to it,
 * such as `contact.0.number`; undefined where nothing does. The finding itself is never repeated.
 */
export function findPersonalData(value: unknown, path = ''): string | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    return looksPersonal(String(value)) ? path : undefined;
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (looksPersonal(key)) return `${path || '.'} (a key)`;
    const found = findPersonalData(inner, path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Longest text of a person that an entry keeps, in characters. */
const WORDS_MAX = 500;

/**
 * The words of a person, fit for an entry: numbers and addresses taken out, shortened. A reason
 * somebody typed in an emergency must never be why the act fails.
 */
export function maskPersonalData(words: string): string {
  const masked = [ADDRESS, ...PHONE_NUMBERS].reduce(
    (text, pattern) => text.replaceAll(new RegExp(pattern, 'g'), '(withheld)'),
    words.slice(0, WORDS_MAX),
  );
  return looksPersonal(masked) ? '(withheld)' : masked;
}

function looksPersonal(text: string): boolean {
  if (ADDRESS.test(text)) return true;
  const rest = INNOCENT.reduce((left, pattern) => left.replaceAll(pattern, ' '), text);
  return PHONE_NUMBERS.some((pattern) => pattern.test(rest));
}

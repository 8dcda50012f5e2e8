/** The directory's words: organisations, contacts and their contact points, and questions over it. */
import type { SaidParent } from './parents.ts';

export const channels = ['text', 'mail', 'landline'] as const;

/** What a contact point is; messages go by text and mail, a landline is for people who ring. */
export type Channel = (typeof channels)[number];

/** What the slice asks of the operating model. */
export type DirectoryRules = {
  readonly organisationTypes: Readonly<
    Record<string, { readonly label: string; readonly mustAnswer: boolean }>
  >;
  readonly contactRoles: Readonly<Record<string, { readonly label: string }>>;
  /** What regions are called where a file has their codes only. */
  readonly regionNames?: Readonly<Record<string, string>>;
  /** Rows of region codes as they lie to each other on a map; '' is a gap. */
  readonly regionMap?: readonly (readonly string[])[];
};

/** What the pages of audiences ask of it beside: how far ahead they look for who will go. */
export type AudienceRules = DirectoryRules & { readonly audienceLookAheadMs: number };

/** What contacts ask besides, by page, API and file. */
export type ContactRules = DirectoryRules & {
  /** How contacts read, the usual one first; who is not chased is told with the first round only. */
  readonly readerKinds: Readonly<
    Record<string, { readonly label: string; readonly chased: boolean }>
  >;
};

/** What files are judged by. */
export type ImportRules = ContactRules & {
  /** So many organisations and contacts one person or key changes by them within a day. */
  readonly importedAloneADay: number;
};

/**
 * An organisation as a file tells of it. A field that is absent is not in the file and stays as it
 * is; `null` is an empty cell and clears it.
 */
export type OrganisationRow = {
  readonly code: string;
  readonly name: string;
  readonly type: string;
  readonly shortName?: string;
  readonly mustAnswer?: boolean;
  readonly regionCode?: string | null;
  readonly regionName?: string;
  readonly systemCode?: string | null;
  readonly systemName?: string;
  readonly addressLines?: readonly string[];
  readonly postcode?: string | null;
  readonly telephone?: string | null;
  /** Degrees north and east, WGS 84; both or none. */
  readonly latitude?: number | null;
  readonly longitude?: number | null;
  /** Whom it serves, in words; how many people, and on which day. */
  readonly serves?: string | null;
  readonly population?: number | null;
  readonly populationOn?: string | null;
  /** `2026-11-23`. */
  readonly openedOn?: string | null;
  /** The last day on which it existed. */
  readonly closedOn?: string | null;
  readonly parent?: ToldParent;
};

/** Below whom an organisation stands, as a file tells of it. */
export type ToldParent = {
  /** By code; the first that is in the directory counts. */
  readonly said: readonly SaidParent[];
  /** From what a register says beside: one that does not fit is left out, and refuses no row. */
  readonly isDerived: boolean;
};

export type ContactRow = {
  readonly organisationCode: string;
  readonly name: string;
  readonly isPost?: boolean;
  readonly role: string;
  readonly rank?: number;
  /** A key of the operating model's reader kinds. */
  readonly readerKind?: string;
  readonly language?: 'en' | 'cy';
  readonly active?: boolean;
  /** In order of use. Absent: the file has no column for the channel, what is there stays. */
  readonly points: Readonly<Partial<Record<Channel, readonly Address[]>>>;
};

/** A number or an address in the one form that gateways and the blind index take, and its mask. */
export type Address = { readonly normalised: string; readonly shown: string };

/** Why a row was not taken. Never holds what stood in the cell (P12). */
export type RefusedRow = {
  /** Where the row begins; the first line of a file is 1. */
  readonly line: number;
  /** The column; '' where it is about the whole row. */
  readonly field: string;
  readonly reason: string;
};

export type ImportKind = 'organisations' | 'contacts';

/** What becomes of a row of a file, with its meaning; each row is one of them. */
export const rowOutcomes = {
  added: 'not in the directory until now',
  changed: 'other fields than those below become different',
  closed: 'an organisation gets a closing date, a contact is told nothing any more',
  moved: 'an organisation gets another region, system or parent',
  unchanged: 'the directory holds all of it',
  refused: 'something is wrong with it, and it stays out',
} as const;

export type RowOutcome = keyof typeof rowOutcomes;

/** Rows by what becomes of them; refused ones once, however much is wrong with them. */
export type ImportCounts = Readonly<Record<RowOutcome, number>>;

/** One field of a row that becomes different; numbers and addresses masked. */
export type FieldChange = { readonly field: string; readonly from: string; readonly to: string };

/** What an import does with one row, for people to look at before. */
export type PlannedRow = {
  readonly line: number;
  readonly outcome: Exclude<RowOutcome, 'refused'>;
  /** Who or what, such as `ZZ-0001 Northmoor`. */
  readonly label: string;
  readonly changes: readonly FieldChange[];
};

export type ImportResult = {
  readonly kind: ImportKind;
  readonly counts: ImportCounts;
  readonly refusedRows: readonly RefusedRow[];
  /** What a reader should know: ignored columns, an old encoding, organisations already closed. */
  readonly notes: readonly string[];
  readonly dryRun: boolean;
  /** All or nothing was chosen and rows were refused: nothing was written. */
  readonly withheld: boolean;
  /** The entry of the log; absent where nothing changed. */
  readonly importId?: string;
};

/** What the undo of an import does with a row that the import touched. */
export type Fate = 'removed' | 'ended' | 'put_back' | 'left';

export type UndoCounts = {
  /** Added by the import, and gone again. */
  readonly removed: number;
  /** Added by the import, and kept for what refers to it: inactive, or closed. */
  readonly ended: number;
  readonly putBack: number;
  /** Changed by somebody since. */
  readonly left: number;
};

/**
 * A question over the directory, asked again each time: which organisations, and which of their
 * contacts. Empty lists do not narrow. An organisation is in where it fits every list that is not
 * empty, or is named in `include`, or is of an audience that is added; and out, whatever the rest
 * says, where `exclude` or an audience that is left out names it. A value: it holds the questions
 * of other audiences as they were when it was saved.
 */
export type AudienceQuestion = {
  readonly types: readonly string[];
  readonly regions: readonly string[];
  readonly systems: readonly string[];
  /** Codes of organisations: all that stand below one of them, at any depth. */
  readonly parents: readonly string[];
  readonly roles: readonly string[];
  readonly ranks: readonly number[];
  /** Suppliers and products by any spelling: those that use one of them. */
  readonly suppliers: readonly string[];
  readonly products: readonly string[];
  readonly tags: readonly string[];
  readonly mustAnswerOnly: boolean;
  /** True: nobody by a choice, only those named and those of added audiences. */
  readonly namedOnly: boolean;
  /** Codes of organisations. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly audiences: readonly AudiencePart[];
};

/**
 * How another audience counts. `and`: only who is in it too, and only its roles and ranks; `or`:
 * its organisations are added; `not`: its organisations are left out.
 */
export const joins = ['and', 'or', 'not'] as const;

export type Join = (typeof joins)[number];

export type AudiencePart = {
  readonly how: Join;
  readonly id: string;
  readonly version: number;
  readonly name: string;
  readonly question: AudienceQuestion;
};

/** A question as it is asked for: other audiences by id, of today where no version is given. */
export type AskedQuestion = Omit<AudienceQuestion, 'audiences'> & {
  readonly audiences: readonly AskedPart[];
};

export type AskedPart = {
  readonly how: Join;
  readonly id: string;
  readonly version?: number | undefined;
};

export const everybody: AudienceQuestion = {
  types: [],
  regions: [],
  systems: [],
  parents: [],
  roles: [],
  ranks: [],
  suppliers: [],
  products: [],
  tags: [],
  mustAnswerOnly: false,
  namedOnly: false,
  include: [],
  exclude: [],
  audiences: [],
};

/** The other audiences of a question that count in this way. */
export function partsOf(question: AudienceQuestion, how: Join): AudiencePart[] {
  return question.audiences.filter((part) => part.how === how);
}

/**
 * What a name is compared by: without regard to case, accents composed alike, one space for any
 * white space. Computed here and never in SQL, so that both always agree.
 */
export function spellingKey(name: string): string {
  return name.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase();
}

/** The parts of a question that name things; whether they exist only the directory knows. */
export const namingFields = [
  'regions',
  'systems',
  'parents',
  'suppliers',
  'products',
  'tags',
  'include',
  'exclude',
] as const;

export type UnknownCode = { readonly field: (typeof namingFields)[number]; readonly code: string };

/** More would not be read beside a field. */
const CODES_NAMED_MAX = 10;

/** A sentence for each field that names what does not exist; empty where all do. */
export function unknownCodeErrors(unknown: readonly UnknownCode[]): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const field of namingFields) {
    const codes = unknown.filter((one) => one.field === field).map(({ code }) => code);
    if (codes.length === 0) continue;
    const more = codes.length - CODES_NAMED_MAX;
    const rest = more > 0 ? ` and ${more} more` : '';
    errors[field] = `Not in the directory: ${codes.slice(0, CODES_NAMED_MAX).join(', ')}${rest}`;
  }
  return errors;
}

export type AudiencePreview = {
  readonly organisations: number;
  readonly mustAnswer: number;
  readonly contacts: number;
  /** Each number and address once, however many share it (P1). */
  readonly contactPoints: Readonly<Record<Exclude<Channel, 'landline'>, number>>;
  /** Organisations that no text would reach. */
  readonly withoutAnyText: number;
  /** Organisations that nothing would reach. */
  readonly withoutAny: number;
};

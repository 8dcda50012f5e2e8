/** The catalogue of known exploited vulnerabilities (CISA KEV) and its entries. Pure. */

export type KevEntry = {
  readonly cve: string;
  readonly vendor: string;
  readonly product: string;
  readonly name: string;
  /** `2025-08-25`, as CISA dates it. */
  readonly addedOn: string;
  readonly description: string;
  readonly requiredAction: string;
  /** The deadline of CISA for federal agencies; it binds nobody here. */
  readonly dueOn: string | null;
  /** Known to be used in ransomware campaigns. */
  readonly ransomware: boolean;
  /** Addresses of its notes, https only. */
  readonly links: readonly string[];
};

export type Catalogue = {
  /** Such as `2025.08.25`. */
  readonly version: string;
  readonly releasedAt: Date;
  readonly entries: readonly KevEntry[];
};

/** What the catalogue says of one CVE; it is kept as JSON, so days are written as CISA does. */
export type KevFact = {
  readonly cve: string;
  /** The day on which CISA added it; null where it is not in there. */
  readonly addedOn: string | null;
  /** The deadline of CISA for federal agencies; it binds nobody here. */
  readonly dueOn: string | null;
  /** Known to be used in ransomware campaigns. */
  readonly ransomware: boolean;
  /** What CISA says has to be done; '' where it is not in there. */
  readonly requiredAction: string;
};

/** The edition of the catalogue, when CISA released it (ISO 8601), and what it says of each CVE. */
export type KevSaid = {
  readonly version: string;
  readonly releasedAt: string;
  readonly facts: readonly KevFact[];
};

export function factOf(cve: string, entry: KevEntry | undefined): KevFact {
  if (entry === undefined)
    return { cve, addedOn: null, dueOn: null, ransomware: false, requiredAction: '' };
  const { addedOn, dueOn, ransomware, requiredAction } = entry;
  return { cve, addedOn, dueOn, ransomware, requiredAction };
}

/** In one order, whatever the order of the keys: what a hash covers. */
export function canonicalKev(kev: KevSaid | null): unknown[] | null {
  if (kev === null) return null;
  const facts = kev.facts.map((one) => [
    one.cve,
    one.addedOn,
    one.dueOn,
    one.ransomware,
    one.requiredAction,
  ]);
  return [kev.version, kev.releasedAt, facts];
}

const CATALOGUE = 'https://www.cisa.gov/known-exploited-vulnerabilities-catalog';

/** What readers see of it under one heading, with whose word it is and as at when. */
export function kevSection(kev: KevSaid | null, formatTime: (at: Date) => string) {
  const entries = (kev?.facts ?? []).map((fact) => ({ text: factAsText(fact) }));
  const source = { text: `Catalogue ${kev?.version} of CISA`, href: CATALOGUE };
  const asAt = kev === null ? '' : `, as at ${formatTime(new Date(kev.releasedAt))}`;
  return {
    key: 'kev',
    label: `Known to be exploited (CISA KEV${asAt})`,
    entries: kev === null ? [] : [...entries, source],
  };
}

function factAsText({ cve, addedOn, dueOn, ransomware, requiredAction }: KevFact): string {
  if (addedOn === null) return `${cve}: not in the catalogue.`;
  const used = ransomware ? 'used in ransomware campaigns' : 'use in ransomware not known';
  const parts = [
    `${cve}: exploited, in the catalogue since ${dayInWords(addedOn)}; ${used}.`,
    `CISA requires: ${requiredAction.replace(/\.$/, '')}.`,
    dueOn === null ? '' : `Due ${dayInWords(dueOn)}, for US federal agencies.`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

const days = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** `20 November 2026`: a day has no zone. */
const dayInWords = (day: string) => days.format(new Date(day));

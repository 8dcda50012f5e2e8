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

/** What the catalogue says of one CVE. */
export type KevFact = {
  readonly cve: string;
  /** Midnight in UTC of the day on which CISA added it; undefined where it is not in there. */
  readonly addedOn: Date | undefined;
  readonly ransomware: boolean;
};

export function factOf(cve: string, entry: KevEntry | undefined): KevFact {
  if (entry === undefined) return { cve, addedOn: undefined, ransomware: false };
  return { cve, addedOn: new Date(entry.addedOn), ransomware: entry.ransomware };
}

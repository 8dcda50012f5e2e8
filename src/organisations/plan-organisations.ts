/** What a file of organisations changes in the directory as it is. Pure. */
import type { DirectoryRules, OrganisationRow } from './model.ts';
import type { Numbered } from './parse.ts';
import { deriveShortName } from './short-name.ts';

/** An organisation as it is stored, without its id and times. */
export type StoredOrganisation = {
  readonly code: string;
  readonly name: string;
  readonly shortName: string;
  readonly shortNameChosen: boolean;
  readonly type: string;
  readonly regionCode: string | null;
  readonly systemCode: string | null;
  readonly mustAnswer: boolean;
  readonly addressLines: readonly string[];
  readonly postcode: string | null;
  readonly telephone: string | null;
  readonly openedOn: string | null;
  readonly closedOn: string | null;
};

export type NamedCode = {
  readonly code: string;
  readonly name: string;
  /** Of a system only. */
  readonly regionCode?: string | null;
};

export type OrganisationPlan = {
  readonly added: readonly StoredOrganisation[];
  readonly changed: readonly StoredOrganisation[];
  readonly unchanged: number;
  readonly regions: readonly NamedCode[];
  /** For those of the regions that no file has named yet. */
  readonly regionNames: readonly NamedCode[];
  readonly systems: readonly NamedCode[];
};

export type OrganisationState = {
  /** Those of the file that are stored, by code. */
  readonly stored: ReadonlyMap<string, StoredOrganisation>;
  /** Whose short name is whose: all of the directory, code by short name. */
  readonly shortNames: ReadonlyMap<string, string>;
};

export function planOrganisations(
  rows: readonly Numbered<OrganisationRow>[],
  state: OrganisationState,
  rules: DirectoryRules,
): OrganisationPlan {
  const taken = new Map(state.shortNames);
  const added: StoredOrganisation[] = [];
  const changed: StoredOrganisation[] = [];
  for (const { row } of rows) {
    const stored = state.stored.get(row.code);
    const name = shortNameOf(row, stored, taken);
    taken.set(name.shortName, row.code);
    const next = merged(row, stored, name, rules);
    if (stored === undefined) added.push(next);
    else if (!isSame(stored, next)) changed.push(next);
  }
  return {
    added,
    changed,
    unchanged: rows.length - added.length - changed.length,
    regions: regionsOf(rows),
    regionNames: regionNamesOf(rows, rules),
    systems: systemsOf(rows),
  };
}

type ShortName = Pick<StoredOrganisation, 'shortName' | 'shortNameChosen'>;

/** A chosen one stays for ever, a derived one as long as the name it came from. */
function shortNameOf(
  row: OrganisationRow,
  stored: StoredOrganisation | undefined,
  taken: ReadonlyMap<string, string>,
): ShortName {
  if (row.shortName !== undefined) return { shortName: row.shortName, shortNameChosen: true };
  if (stored && (stored.shortNameChosen || stored.name === row.name)) {
    return { shortName: stored.shortName, shortNameChosen: stored.shortNameChosen };
  }
  const isTaken = (shortName: string) => (taken.get(shortName) ?? row.code) !== row.code;
  return { shortName: deriveShortName(row, isTaken), shortNameChosen: false };
}

function merged(
  row: OrganisationRow,
  stored: StoredOrganisation | undefined,
  name: ShortName,
  rules: DirectoryRules,
): StoredOrganisation {
  const kept = <T>(told: T | undefined, before: T | undefined, otherwise: T): T =>
    told !== undefined ? told : (before ?? otherwise);
  const byType = rules.organisationTypes[row.type]?.mustAnswer ?? false;
  return {
    code: row.code,
    name: row.name,
    ...name,
    type: row.type,
    regionCode: kept(row.regionCode, stored?.regionCode, null),
    systemCode: kept(row.systemCode, stored?.systemCode, null),
    mustAnswer: kept(row.mustAnswer, stored?.mustAnswer, byType),
    addressLines: kept(row.addressLines, stored?.addressLines, []),
    postcode: kept(row.postcode, stored?.postcode, null),
    telephone: kept(row.telephone, stored?.telephone, null),
    openedOn: kept(row.openedOn, stored?.openedOn, null),
    closedOn: kept(row.closedOn, stored?.closedOn, null),
  };
}

function isSame(a: StoredOrganisation, b: StoredOrganisation): boolean {
  return (Object.keys(b) as (keyof StoredOrganisation)[]).every(
    (field) => JSON.stringify(a[field]) === JSON.stringify(b[field]),
  );
}

/** Each code once; a name anywhere in the file counts, otherwise the code stands in for it. */
function regionsOf(rows: readonly Numbered<OrganisationRow>[]): NamedCode[] {
  const regions = new Map<string, NamedCode>();
  for (const { row } of rows) {
    const { regionCode: code, regionName } = row;
    if (code) regions.set(code, { code, name: regionName ?? regions.get(code)?.name ?? code });
  }
  return [...regions.values()];
}

/** The organisation of the file that has a region's code names it, else the operating model. */
function regionNamesOf(
  rows: readonly Numbered<OrganisationRow>[],
  { regionNames = {} }: DirectoryRules,
): NamedCode[] {
  const codes = new Set(rows.flatMap(({ row }) => row.regionCode ?? []));
  const known = Object.entries(regionNames).map(([code, name]) => ({ code, name }));
  const own = rows.map(({ row: { code, name } }) => ({ code, name }));
  const names = new Map([...known, ...own].map((named) => [named.code, named]));
  return [...codes].flatMap((code) => names.get(code) ?? []);
}

function systemsOf(rows: readonly Numbered<OrganisationRow>[]): NamedCode[] {
  const systems = new Map<string, NamedCode>();
  for (const { row } of rows) {
    const { systemCode: code, systemName } = row;
    if (!code) continue;
    const before = systems.get(code);
    const name = systemName ?? before?.name ?? code;
    systems.set(code, { code, name, regionCode: row.regionCode ?? before?.regionCode ?? null });
  }
  return [...systems.values()];
}

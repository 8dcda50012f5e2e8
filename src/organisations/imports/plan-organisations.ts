/** What a file of organisations changes in the directory as it is. Pure. */
import type { DirectoryRules, FieldChange, OrganisationRow, PlannedRow } from '../model.ts';
import { lineInWords, type Lines } from '../parents.ts';
import type { Numbered } from './parse.ts';
import { deriveShortName } from '../short-name.ts';

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
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly serves: string | null;
  readonly population: number | null;
  readonly populationOn: string | null;
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
  /** One for each row of the file, in its order. */
  readonly rows: readonly PlannedRow[];
  readonly regions: readonly NamedCode[];
  /** For those of the regions that no file has named yet. */
  readonly regionNames: readonly NamedCode[];
  readonly systems: readonly NamedCode[];
};

export type OrganisationState = {
  /** Those of the file that are stored, by code. */
  readonly stored: ReadonlyMap<string, StoredOrganisation>;
  /** Whose short name is whose: all of the directory, code by short name in small letters. */
  readonly shortNames: ReadonlyMap<string, string>;
  /** Below whom they stand, and below whom those of the file come to stand. */
  readonly parents: { readonly stored: Lines; readonly changed: Lines };
};

export function planOrganisations(
  rows: readonly Numbered<OrganisationRow>[],
  state: OrganisationState,
  rules: DirectoryRules,
): OrganisationPlan {
  const chosen = rows.flatMap(({ row: { code, shortName } }): [string, string][] =>
    shortName === undefined ? [] : [[shortName.toLowerCase(), code]],
  );
  const taken = new Map([...state.shortNames, ...chosen]);
  const added: StoredOrganisation[] = [];
  const changed: StoredOrganisation[] = [];
  const planned: PlannedRow[] = [];
  for (const { line, row } of rows) {
    const stored = state.stored.get(row.code);
    const name = shortNameOf(row, stored, taken);
    taken.set(name.shortName.toLowerCase(), row.code);
    const next = merged(row, stored, name, rules);
    const moves = parentChange(row.code, state.parents);
    const changes = stored === undefined ? [] : [...changesOf(stored, next), ...moves];
    if (stored === undefined) added.push(next);
    else if (changes.length > 0) changed.push(next);
    const label = `${next.code} ${next.name}`;
    const outcome = outcomeOf(stored, next, changes);
    planned.push({ line, outcome, label, changes });
  }
  return {
    added,
    changed,
    rows: planned,
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
  const isTaken = (shortName: string) =>
    (taken.get(shortName.toLowerCase()) ?? row.code) !== row.code;
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
    latitude: kept(row.latitude, stored?.latitude, null),
    longitude: kept(row.longitude, stored?.longitude, null),
    serves: kept(row.serves, stored?.serves, null),
    population: kept(row.population, stored?.population, null),
    populationOn: kept(row.populationOn, stored?.populationOn, null),
    openedOn: kept(row.openedOn, stored?.openedOn, null),
    closedOn: kept(row.closedOn, stored?.closedOn, null),
  };
}

/** The columns of the file of organisations in which what is stored shows. */
const columnOf: Readonly<Record<Exclude<keyof StoredOrganisation, 'code'>, string>> = {
  name: 'name',
  shortName: 'short_name',
  shortNameChosen: 'short_name (chosen)',
  type: 'type',
  regionCode: 'region',
  systemCode: 'system',
  mustAnswer: 'must_answer',
  addressLines: 'address',
  postcode: 'postcode',
  telephone: 'telephone',
  latitude: 'latitude',
  longitude: 'longitude',
  serves: 'serves',
  population: 'population',
  populationOn: 'population_on',
  openedOn: 'opened_on',
  closedOn: 'closed_on',
};

function changesOf(before: StoredOrganisation, next: StoredOrganisation): FieldChange[] {
  return (Object.keys(columnOf) as (keyof typeof columnOf)[]).flatMap((field) => {
    const [from, to] = [before[field], next[field]];
    if (JSON.stringify(from) === JSON.stringify(to)) return [];
    return [{ field: columnOf[field], from: shown(from), to: shown(to) }];
  });
}

function parentChange(
  code: string,
  { stored, changed }: OrganisationState['parents'],
): FieldChange[] {
  const next = changed.get(code);
  if (next === undefined) return [];
  const from = lineInWords(stored.get(code) ?? []);
  return [{ field: PARENT, from, to: lineInWords(next) }];
}

const PARENT = 'parent';

function shown(value: StoredOrganisation[keyof StoredOrganisation]): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return Array.isArray(value) ? value.join(', ') : String(value ?? '');
}

/** What matters most to whoever looks: that it closes, then that it belongs elsewhere. */
function outcomeOf(
  before: StoredOrganisation | undefined,
  next: StoredOrganisation,
  changes: readonly FieldChange[],
): PlannedRow['outcome'] {
  if (before === undefined) return 'added';
  if (changes.length === 0) return 'unchanged';
  if (before.closedOn === null && next.closedOn !== null) return 'closed';
  const isMoved =
    before.regionCode !== next.regionCode ||
    before.systemCode !== next.systemCode ||
    changes.some(({ field }) => field === PARENT);
  return isMoved ? 'moved' : 'changed';
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

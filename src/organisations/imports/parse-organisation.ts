import type { DirectoryRules, OrganisationRow } from '../model.ts';
import { isShortName, SHORT_NAME_MAX, titleCased } from '../short-name.ts';
import { dateForm } from './date-forms.ts';
import { isoDay, type Row } from './row.ts';

/** The columns of our own file of organisations (docs/importing.md). */
export const organisationColumns: readonly string[] = [
  'code',
  'name',
  'short_name',
  'type',
  'region',
  'region_name',
  'system',
  'system_name',
  'must_answer',
  'address_1',
  'address_2',
  'address_3',
  'town',
  'county',
  'postcode',
  'telephone',
  'latitude',
  'longitude',
  'serves',
  'population',
  'population_on',
  'opened_on',
  'closed_on',
  'parent',
  'parent_from',
  'parent_until',
];

/**
 * The 27 columns of etr.csv and epraccur.csv, which have no line of names; those in dashes are not
 * read. Only the second fills status, commissioner with first and last day, and setting.
 */
export const odsColumns: readonly string[] = (
  'code name region system address_1 address_2 address_3 town county postcode opened_on ' +
  'closed_on status -14- commissioner joined left telephone -19- -20- -21- -22- -23- -24- -25- ' +
  'setting -27-'
).split(' ');

/** What epraccur.csv calls a GP practice; the others prescribe too: prisons, hospices, walk-in centres. */
const GP_PRACTICE = '4';

/** True for a row of etr.csv, and of epraccur.csv, which has as many columns. */
export function isOdsRow(cells: readonly string[]): boolean {
  return cells.length === odsColumns.length && dateForm(cells[10]!) !== undefined;
}

/** The columns of dates of those files. */
export const odsDates = ['opened_on', 'closed_on', 'joined', 'left'] as const;

const NAME_MAX = 200;
const POSTCODE_MAX = 20;
const addressColumns = ['address_1', 'address_2', 'address_3', 'town', 'county'];

/** A row with names of columns. Code, name and type are needed; the others may be left out. */
export function parseOrganisation(
  row: Row,
  rules: DirectoryRules,
  isShouted: boolean,
): OrganisationRow | undefined {
  const type = row.keyOf('type', rules.organisationTypes);
  const shortName = row.text('short_name');
  if (shortName !== '' && !isShortName(shortName)) {
    row.refuse(
      'short_name',
      `must be ${SHORT_NAME_MAX} characters at most, of those that every phone can show`,
    );
  }
  const mustAnswer = row.yesOrNo('must_answer');
  const common = commonFields(row);
  const parent = isShouted
    ? besideParent(common, row.text('parent').toUpperCase())
    : ownParent(row, common);
  const value = {
    ...common,
    type,
    ...parent,
    ...(shortName !== '' && { shortName }),
    ...(mustAnswer !== undefined && { mustAnswer }),
  };
  return finished(row, isShouted ? spoken(value) : value);
}

/** A row of etr.csv: every one is a trust. */
export function parseOdsTrust(row: Row): OrganisationRow | undefined {
  const common = commonFields(row);
  return finished(row, spoken({ ...common, type: 'trust', ...besideParent(common) }));
}

/**
 * A row of epraccur.csv. The system is the health geography, and where that is empty the
 * commissioner; who is not a GP practice becomes another body.
 */
export function parseOdsPractice(row: Row): OrganisationRow | undefined {
  const common = commonFields(row);
  const commissioner = row.code('commissioner');
  if (row.text('status').toUpperCase() === 'C' && !common.closedOn) {
    row.refuse('closed_on', 'is empty though the status says closed');
  }
  return finished(
    row,
    spoken({
      ...common,
      type: odsType(row.text('setting')),
      systemCode: common.systemCode ?? (commissioner || null),
      ...besideParent(common, commissioner, odsDays(row)),
    }),
  );
}

type Common = Omit<OrganisationRow, 'type'>;

type Parent = Pick<OrganisationRow, 'parent'>;

/** The column `parent` with its days; an empty cell: nobody. */
function ownParent(row: Row, { closedOn }: Common): Parent {
  const [from, until] = [row.date('parent_from') ?? null, row.date('parent_until') ?? null];
  if (!row.has('parent')) {
    if (from !== null || until !== null) row.refuse('parent_from', 'is given without a parent');
    return {};
  }
  if (from !== null && until !== null && until < from)
    row.refuse('parent_until', 'is before parent_from');
  if (from !== null && closedOn && from > closedOn) row.refuse('parent_from', 'is after closed_on');
  return {
    parent: { said: [{ parent: row.code('parent') || null, from, until }], isDerived: false },
  };
}

type Days = { readonly from: string | null; readonly until: string | null };

const UNKNOWN_DAYS: Days = { from: null, until: null };

/** Where a register has an organisation: below the one that it names, else below its system. */
function besideParent({ code, systemCode }: Common, named = '', days = UNKNOWN_DAYS): Parent {
  const said = [
    { parent: named, ...days },
    { parent: systemCode ?? '', ...UNKNOWN_DAYS },
  ].filter(({ parent }) => parent !== '' && parent !== code);
  return said.length === 0 ? {} : { parent: { said, isDerived: true } };
}

/** Since when a practice is with its commissioner: days that cannot be are none. */
function odsDays(row: Row): Days {
  const [from, until] = [isoDay(row.text('joined')), isoDay(row.text('left'))];
  return from !== null && until !== null && until < from ? UNKNOWN_DAYS : { from, until };
}

export function odsType(setting: string): 'practice' | 'other' {
  return setting === GP_PRACTICE ? 'practice' : 'other';
}

/** ODS writes in capitals, which read as shouting. */
function spoken(value: OrganisationRow): OrganisationRow {
  return {
    ...value,
    name: titleCased(value.name),
    ...(value.addressLines && { addressLines: value.addressLines.map(titleCased) }),
  };
}

function commonFields(row: Row): Common {
  const code = row.code('code');
  if (code === '') row.refuse('code', 'is empty');
  const regionName = row.limited('region_name', NAME_MAX);
  const systemName = row.limited('system_name', NAME_MAX);
  const present = {
    regionCode: row.has('region') ? row.code('region') || null : undefined,
    systemCode: row.has('system') ? row.code('system') || null : undefined,
    addressLines: addressOf(row),
    postcode: row.has('postcode') ? row.limited('postcode', POSTCODE_MAX) || null : undefined,
    telephone: telephoneOf(row),
    ...positionOf(row),
    serves: servesOf(row),
    ...populationOf(row),
    openedOn: row.date('opened_on'),
    closedOn: row.date('closed_on'),
  };
  return {
    code,
    name: row.required('name', NAME_MAX),
    ...(regionName !== '' && { regionName }),
    ...(systemName !== '' && { systemName }),
    ...withoutUndefined(present),
  };
}

function finished(row: Row, value: OrganisationRow): OrganisationRow | undefined {
  const { openedOn, closedOn } = value;
  if (openedOn && closedOn && closedOn < openedOn) {
    row.refuse('closed_on', 'is before opened_on');
  }
  return row.refused.length === 0 ? value : undefined;
}

function addressOf(row: Row): readonly string[] | undefined {
  if (!addressColumns.some((column) => row.has(column))) return undefined;
  return addressColumns
    .map((column) => row.limited(column, NAME_MAX))
    .filter((line) => line !== '');
}

/** The switchboard is rung by people, never texted: Notify's rules (no 0800) are not for it. */
function telephoneOf(row: Row): string | null | undefined {
  const text = row.optional('telephone');
  if (typeof text === 'string' && !/^[+()\d\s-]{3,30}$/.test(text)) {
    return row.refuse('telephone', 'must be digits, spaces and + ( ) -');
  }
  return text;
}

const DEGREES_MAX = { latitude: 90, longitude: 180 } as const;

function positionOf(row: Row): Pick<OrganisationRow, 'latitude' | 'longitude'> {
  const degrees = (column: keyof typeof DEGREES_MAX): number | null | undefined => {
    const text = row.optional(column);
    if (text === null || text === undefined) return text;
    const value = /^-?\d{1,3}(\.\d{1,15})?$/.test(text) ? Number(text) : Number.NaN;
    if (Math.abs(value) <= DEGREES_MAX[column]) return value;
    const example = column === 'latitude' ? '53.46244' : '-2.22771';
    return row.refuse(column, `must be degrees of WGS 84 such as ${example}`);
  };
  const [latitude, longitude] = [degrees('latitude'), degrees('longitude')];
  if (typeof latitude === 'number' && longitude === null)
    row.refuse('longitude', 'is empty though there is a latitude');
  if (typeof longitude === 'number' && latitude === null)
    row.refuse('latitude', 'is empty though there is a longitude');
  // A file with one of the two columns says nowhere.
  if (latitude === undefined || longitude === undefined) return {};
  return { latitude, longitude };
}

const SERVES_MAX = 200;

function servesOf(row: Row): string | null | undefined {
  const text = row.optional('serves');
  if (typeof text !== 'string' || text.length <= SERVES_MAX) return text;
  return row.refuse('serves', `is longer than ${SERVES_MAX} characters`);
}

/** No organisation serves more people than there are. */
const POPULATION_MAX = 2_000_000_000;

function populationOf(row: Row): Pick<OrganisationRow, 'population' | 'populationOn'> {
  const text = row.optional('population');
  const populationOn = row.date('population_on');
  if (text === undefined || text === null) {
    if (populationOn) row.refuse('population_on', 'is given without a population');
    return text === null ? { population: null, populationOn: null } : {};
  }
  const digits = text.replaceAll(/[\s,]/g, '');
  const population = /^\d{1,10}$/.test(digits) ? Number(digits) : 0;
  if (population < 1 || population > POPULATION_MAX)
    row.refuse('population', 'must be a whole number of people');
  return { population, populationOn: populationOn ?? null };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(fields: T): Defined<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}

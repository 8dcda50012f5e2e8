/** Which column of a file is which of ours: by its name, by what was chosen, or as a guess. Pure. */
import { createHash } from 'node:crypto';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { ImportKind } from '../model.ts';
import { contactColumns } from './parse-contact.ts';
import { organisationColumns } from './parse-organisation.ts';
import { columnName } from './row.ts';

/** By our name: the place of the file's column, from 0, or `=value` for every row. */
export type Mapping = Readonly<Record<string, number | string>>;

export const columnsOf: Readonly<Record<ImportKind, readonly string[]>> = {
  organisations: organisationColumns,
  contacts: contactColumns,
};

/** Without these nothing can be read; a contact also needs a number or an address. */
export const neededColumns: Readonly<Record<ImportKind, readonly string[]>> = {
  organisations: ['code', 'name', 'type'],
  contacts: ['organisation_code', 'name', 'role'],
};

/** Columns of which one value may stand for all rows of a file. */
export const constantColumns: Readonly<Record<ImportKind, readonly string[]>> = {
  organisations: ['type'],
  contacts: ['role'],
};

/** Columns that a file of refused rows adds; it can be mended and imported as it is. */
export const REFUSED_COLUMN = /^refused_/;

/** Equal for files with the same columns, also when rows of one come back mended. */
export function headerHash(columns: readonly string[]): string {
  const names = columns.map(columnName).filter((name) => !REFUSED_COLUMN.test(name));
  return createHash('sha256').update(names.join('\n')).digest('hex');
}

const words = (...texts: string[]): readonly string[] => texts.flatMap((text) => text.split(' '));

/** What people call them, as they stand without spaces and signs; the first fits best. */
const otherNames: Readonly<Record<ImportKind, Readonly<Record<string, readonly string[]>>>> = {
  organisations: {
    code: ['odscode', 'orgcode', 'organisationcode', 'organizationcode', 'practicecode', 'ods'],
    name: ['organisationname', 'orgname', 'organizationname', 'practicename', 'organisation'],
    type: ['organisationtype', 'orgtype', 'kind', 'category'],
    short_name: ['shortname', 'abbreviation'],
    must_answer: ['mustanswer', 'mustrespond'],
    region: ['regioncode', 'nhsregion', 'commregioncode'],
    region_name: ['regionname', 'commregionname'],
    system: ['systemcode', 'icbcode', 'icb', 'stpcode', 'ics'],
    system_name: ['systemname', 'icbname', 'stpname'],
    address_1: ['address1', 'addressline1', 'address', 'street'],
    address_2: ['address2', 'addressline2'],
    address_3: ['address3', 'addressline3'],
    town: ['city', 'addressline4'],
    county: ['addressline5'],
    postcode: ['postalcode', 'practicepostcode', 'zip'],
    telephone: ['telephonenumber', 'phone', 'phonenumber', 'tel', 'switchboard'],
    latitude: ['lat'],
    longitude: ['lon', 'long', 'lng'],
    serves: ['whotheyserve', 'populationserved', 'area'],
    population: ['numberofpatients', 'registeredpatients', 'listsize', 'patients'],
    population_on: ['populationdate', 'extractdate'],
    opened_on: ['opened', 'opendate', 'openingdate', 'startdate', 'validfrom'],
    closed_on: ['closed', 'closedate', 'closingdate', 'enddate', 'validto'],
    parent: ['parentcode', 'parentodscode', 'parentorganisation', 'parentorganisationcode'],
    parent_from: ['parentsince', 'joinedparent', 'joinparentdate', 'parentstart'],
    parent_until: ['leftparent', 'leftparentdate', 'parentend'],
  },
  contacts: {
    organisation_code: words(
      'orgcode odscode organisation organizationcode trustcode practicecode org ods code',
    ),
    name: ['fullname', 'contactname', 'displayname', 'contact', 'person'],
    kind: ['personorpost', 'contacttype'],
    role: ['jobtitle', 'jobrole', 'title', 'function', 'position'],
    rank: ['order', 'priority', 'sequence'],
    reader_kind: ['reader', 'readsas', 'readertype'],
    // A file with one column of numbers means those that are texted; landlines among them are
    // refused row by row, where an unread column would leave everybody without a number.
    mobile: words(
      'mobilenumber mobilephone mobiletelephone mobile1 cell phonenumber',
      'phone telephone telephonenumber tel contactnumber',
    ),
    second_mobile: ['mobile2', 'secondmobilenumber', 'othermobile'],
    email: ['emailaddress', 'mail', 'email1', 'workemail'],
    second_email: ['email2', 'secondemailaddress', 'otheremail'],
    landline: words(
      'landlinenumber officephone officenumber workphone deskphone directdial',
      'phone telephone telephonenumber tel phonenumber',
    ),
    language: ['preferredlanguage', 'lang'],
    active: ['isactive', 'current'],
  },
};

/** The names in the file that are ours, or would be in other words; each column at most once. */
export function guessMapping(kind: ImportKind, columns: readonly string[]): Mapping {
  const names = columns.map(bare);
  const found: Record<string, number> = {};
  const isFree = (place: number) => !Object.values(found).includes(place);
  const take = (ours: string, place: number) => {
    if (found[ours] === undefined && place >= 0 && isFree(place)) found[ours] = place;
  };
  for (const ours of columnsOf[kind]) take(ours, names.indexOf(bare(ours)));
  for (const ours of columnsOf[kind]) {
    for (const other of otherNames[kind][ours] ?? []) take(ours, names.indexOf(other));
  }
  return found;
}

/** `E-mail address` is `emailaddress`. */
function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{Letter}\p{Number}]/gu, '');
}

/** The columns whose names are ours as they are. */
export function exactMapping(kind: ImportKind, columns: readonly string[]): Mapping {
  const names = columns.map(columnName);
  const known = columnsOf[kind].filter((name) => names.includes(name));
  return Object.fromEntries(known.map((name) => [name, names.indexOf(name)]));
}

export function missingColumns(kind: ImportKind, mapping: Mapping): string[] {
  return neededColumns[kind].filter((name) => mapping[name] === undefined);
}

/**
 * What somebody says at the command line or in a request: by our name, the name in the file, or
 * `=value` for all rows. Columns that are not named in it are those with our names.
 */
export function mappingFromWords(
  kind: ImportKind,
  columns: readonly string[],
  words: Readonly<Record<string, string>>,
): Outcome<Mapping> {
  const names = columns.map(columnName);
  const mapping: Record<string, number | string> = { ...exactMapping(kind, columns) };
  for (const [ours, theirs] of Object.entries(words)) {
    const place = names.indexOf(columnName(theirs));
    if (!columnsOf[kind].includes(ours)) {
      const known = columnsOf[kind].join(', ');
      return refused('invalid', `There is no column ${ours} of ours to map: known are ${known}.`);
    }
    const isConstant = theirs.startsWith('=') && constantColumns[kind].includes(ours);
    if (!isConstant && place < 0) {
      return refused('invalid', `The file has no column "${theirs}" that could be ${ours}.`);
    }
    mapping[ours] = isConstant ? theirs : place;
  }
  return ok(mapping);
}

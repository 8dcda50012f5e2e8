/** The form of an organisation's own facts: refused as a file is, beside the field. Pure. */
import { londonDay } from '#kernel/day.ts';
import { ok, refused, type FieldErrors, type Outcome } from '#kernel/outcome.ts';
import { many, type Form } from '#web/index.ts';
import type { DirectoryRules, OrganisationRow } from './model.ts';
import { parseOrganisation } from './imports/parse-organisation.ts';
import { Row } from './imports/row.ts';
import type { OrganisationFacts } from './store-facts.ts';

export const factsFields = [
  'code',
  'name',
  'short_name',
  'type',
  'must_answer',
  'telephone',
  'address',
  'postcode',
  'region',
  'system',
  'latitude',
  'longitude',
  'serves',
  'population',
  'population_on',
  'opened_on',
  'closed_on',
];

const addressColumns = ['address_1', 'address_2', 'address_3', 'town', 'county'];

const labels: Readonly<Record<string, string>> = {
  code: 'Code',
  name: 'Name',
  short_name: 'Name in texts',
  type: 'Type',
  must_answer: 'Must answer',
  telephone: 'Switchboard',
  address: 'Address',
  postcode: 'Postcode',
  region: 'Region',
  system: 'System',
  latitude: 'Latitude',
  longitude: 'Longitude',
  serves: 'Whom it serves',
  population: 'How many people',
  population_on: 'Counted on',
  opened_on: 'Opened on',
  closed_on: 'Last day',
};

export function parseFacts(
  form: Form,
  rules: DirectoryRules,
  code?: string,
): Outcome<OrganisationRow> {
  const text = (field: string) => (many(form[field])[0] ?? '').trim();
  const lines = text('address')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const cells = new Map<string, string>([
    ...factsFields.map((field): [string, string] => [field, text(field)]),
    ...addressColumns.map((column, i): [string, string] => [column, lines[i] ?? '']),
    ...(code === undefined ? [] : [['code', code] as [string, string]]),
  ]);
  const reads = {
    places: new Map(Array.from(cells.keys(), (name, i) => [name, i])),
    constants: new Map(),
  };
  const row = new Row(reads, { line: 1, cells: [...cells.values()] });
  if (lines.length > addressColumns.length) row.refuse('address', 'has more than five lines');
  const parsed = parseOrganisation(row, rules, false);
  if (parsed !== undefined && row.refused.length === 0) return ok(parsed);
  return refused('invalid', 'Put right what is marked below.', errorsOf(row));
}

function errorsOf(row: Row): FieldErrors {
  const errors: Record<string, string> = {};
  for (const { field, reason } of row.refused) {
    const name = addressColumns.includes(field) ? 'address' : field;
    errors[name] ??= `${labels[name] ?? name} ${reason}`;
  }
  return errors;
}

export function typedFacts(facts: OrganisationFacts): Form {
  return {
    code: facts.code,
    name: facts.name,
    short_name: facts.shortName,
    type: facts.type,
    must_answer: facts.mustAnswer ? 'yes' : 'no',
    telephone: facts.telephone ?? '',
    address: facts.addressLines.join('\n'),
    postcode: facts.postcode ?? '',
    region: facts.regionCode ?? '',
    system: facts.systemCode ?? '',
    latitude: String(facts.latitude ?? ''),
    longitude: String(facts.longitude ?? ''),
    serves: facts.serves ?? '',
    population: String(facts.population ?? ''),
    population_on: facts.populationOn ?? '',
    opened_on: facts.openedOn ?? '',
    closed_on: facts.closedOn ?? '',
  };
}

const day = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});

/** What follows from other dates, said before they are saved; empty where nothing does. */
export function consequencesOf(
  row: Pick<OrganisationRow, 'openedOn' | 'closedOn'>,
  before: Pick<OrganisationFacts, 'openedOn' | 'closedOn' | 'contacts' | 'children'>,
  now: Date,
): string[] {
  const today = londonDay(now);
  const { contacts, children } = before;
  const who = contacts === 1 ? '1 contact is told' : `${contacts} contacts are told`;
  const said: string[] = [];
  if (row.closedOn && row.closedOn !== before.closedOn) {
    const next = new Date(Date.parse(`${row.closedOn}T00:00:00Z`) + 86_400_000);
    said.push(
      row.closedOn < today
        ? `${who} nothing any more, at once.`
        : `${who} nothing from ${day.format(next)}.`,
    );
    const below = children === 1 ? '1 organisation goes on' : `${children} organisations go on`;
    if (children > 0) said.push(`${below} below it: say on their pages whom they belong to then.`);
  }
  if (!row.closedOn && before.closedOn)
    said.push(`${who} again: there is no closing date any more.`);
  if (row.openedOn && row.openedOn !== before.openedOn && row.openedOn > today) {
    said.push(`${who} nothing before ${day.format(new Date(`${row.openedOn}T00:00:00Z`))}.`);
  }
  return said;
}

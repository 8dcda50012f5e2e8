/** The form of one contact: refused exactly as a file is, in the same words beside the field. Pure. */
import { ok, refused, type FieldErrors, type Outcome } from '#kernel/outcome.ts';
import { parsePhoneNumber } from '#kernel/phone-number.ts';
import { many, type Form } from '#web/index.ts';
import type { PointChoice, PointChoices } from './contacts.ts';
import type { Address, Channel, ContactRules } from '../model.ts';
import {
  isPost,
  languageOf,
  NAME_MAX,
  NEEDS_A_WAY,
  parseLandline,
  parseMail,
  parseMobile,
  rankOf,
  readerKindOf,
  type TextPermissions,
} from '../imports/parse-contact.ts';
import { Row } from '../imports/row.ts';
import type { ContactFields, ContactRecord, PointOfContact } from './store-contacts.ts';

const factFields = ['name', 'kind', 'role', 'rank', 'reader_kind', 'language'] as const;

type Slot = {
  readonly field: string;
  readonly channel: Channel;
  /** 0 is the usual one. */
  readonly place: number;
  readonly label: string;
};

/** Where a number or an address is typed. What a contact has beyond these stays as it is. */
export const slots: readonly Slot[] = [
  { field: 'mobile', channel: 'text', place: 0, label: 'Mobile' },
  { field: 'second_mobile', channel: 'text', place: 1, label: 'Second mobile' },
  { field: 'email', channel: 'mail', place: 0, label: 'Email address' },
  { field: 'second_email', channel: 'mail', place: 1, label: 'Second email address' },
  { field: 'landline', channel: 'landline', place: 0, label: 'Landline' },
];

const labels: Readonly<Record<string, string>> = {
  name: 'Name',
  kind: 'Person or post',
  role: 'Role',
  rank: 'Rank',
  reader_kind: 'Reader',
  language: 'Language',
  ...Object.fromEntries(slots.map(({ field, label }) => [field, label])),
};

/** Check boxes hold names of fields: which to take off, and which to change for everybody. */
export const contactFields = [
  ...factFields,
  ...slots.map(({ field }) => field),
  'off',
  'everywhere',
];

export type ContactForm = {
  readonly fields: ContactFields;
  readonly points: PointChoices;
  readonly everywhere: readonly { readonly from: string; readonly to: Address }[];
};

type Known = {
  readonly rules: ContactRules;
  readonly textPermissions?: TextPermissions | undefined;
  /** Of a contact that is changed: an empty field keeps what it has. */
  readonly stored?: Pick<ContactRecord, 'points'>;
};

export function parseContactForm(form: Form, known: Known): Outcome<ContactForm> {
  const row = rowOf(form);
  const typed = new Map<string, Address>();
  for (const { field, channel } of slots.filter((slot) => row.text(slot.field) !== '')) {
    const parsed = parsers[channel](row.text(field), known.textPermissions ?? {});
    if (parsed.ok) typed.set(field, parsed.value);
    else row.refuse(field, parsed.message);
  }
  refuseRepeated(row, typed);
  const points = choicesOf(form, typed, known.stored?.points ?? []);
  const isReachable = Object.values(points).some((list) => list.length > 0);
  if (!isReachable && row.refused.length === 0) row.refuse('mobile', NEEDS_A_WAY);
  const fields = factsOf(row, known.rules);
  if (row.refused.length > 0) {
    return refused('invalid', 'Put right what is marked below.', errorsOf(row));
  }
  return ok({ fields, points, everywhere: everywhereOf(form, typed, known.stored?.points ?? []) });
}

const parsers = {
  text: parseMobile,
  mail: parseMail,
  landline: parseLandline,
} as const satisfies Record<Channel, (cell: string, may: TextPermissions) => Outcome<Address>>;

function rowOf(form: Form): Row {
  const columns = [...factFields, ...slots.map(({ field }) => field)];
  const reads = { places: new Map(columns.map((name, i) => [name, i])), constants: new Map() };
  return new Row(reads, { line: 1, cells: columns.map((name) => many(form[name])[0] ?? '') });
}

function factsOf(row: Row, rules: ContactRules): ContactFields {
  return {
    name: row.required('name', NAME_MAX),
    isPost: isPost(row),
    role: row.keyOf('role', rules.contactRoles),
    rank: rankOf(row),
    readerKind: readerKindOf(row, rules),
    language: languageOf(row) ?? 'en',
  };
}

function refuseRepeated(row: Row, typed: ReadonlyMap<string, Address>): void {
  for (const [field, first] of [
    ['second_mobile', 'mobile'],
    ['second_email', 'email'],
  ] as const) {
    const address = typed.get(field);
    if (address && address.normalised === typed.get(first)?.normalised) {
      row.refuse(field, 'is the same as the first');
    }
  }
}

function choicesOf(
  form: Form,
  typed: ReadonlyMap<string, Address>,
  stored: readonly PointOfContact[],
): PointChoices {
  const off = new Set(many(form['off']));
  const choices: Record<Channel, PointChoice[]> = { text: [], mail: [], landline: [] };
  for (const channel of Object.keys(choices) as Channel[]) {
    const places = slots.filter((slot) => slot.channel === channel);
    const has = stored.filter((point) => point.channel === channel);
    for (const { field, place } of places) {
      const address = typed.get(field);
      const kept = off.has(field) ? undefined : has[place];
      if (address) choices[channel].push(address);
      else if (kept) choices[channel].push({ keep: kept.contactPointId });
    }
    choices[channel].push(
      ...has.slice(places.length).map(({ contactPointId }) => ({ keep: contactPointId })),
    );
  }
  return choices;
}

function everywhereOf(
  form: Form,
  typed: ReadonlyMap<string, Address>,
  stored: readonly PointOfContact[],
): ContactForm['everywhere'] {
  const chosen = new Set(many(form['everywhere']));
  return slots
    .filter(({ field }) => chosen.has(field))
    .flatMap(({ field, channel, place }) => {
      const from = stored.filter((point) => point.channel === channel)[place];
      const to = typed.get(field);
      return from && to ? [{ from: from.contactPointId, to }] : [];
    });
}

/** Reasons of a file begin in lower case, because its column is named before them. */
function errorsOf(row: Row): FieldErrors {
  const errors: Record<string, string> = {};
  for (const { field, reason } of row.refused) {
    const isSentence = /^\p{Lu}/u.test(reason);
    errors[field] ??= isSentence ? reason : `${labels[field] ?? field} ${reason}`;
  }
  return errors;
}

/** The fields of a form as a stored contact fills them; its numbers are not among them. */
export function typedOf(contact: ContactRecord): Form {
  return {
    name: contact.name,
    kind: contact.isPost ? 'post' : 'person',
    role: contact.role,
    rank: String(contact.rank),
    reader_kind: contact.readerKind,
    language: contact.language,
  };
}

/** A landline that stands in a field for mobiles: it can be kept, to be rung. */
export function landlineTyped(form: Form): { readonly field: string } | undefined {
  for (const field of ['mobile', 'second_mobile']) {
    const number = parsePhoneNumber((many(form[field])[0] ?? '').trim());
    if (number.ok && number.value.kind === 'landline') return { field };
  }
  return undefined;
}

/** The form with the landline where it belongs, as the button beside it asks for. */
export function withLandlineMoved(form: Form): Form {
  const field = many(form['keepAsLandline'])[0] ?? '';
  if (field !== 'mobile' && field !== 'second_mobile') return form;
  return { ...form, landline: many(form[field])[0] ?? '', [field]: '' };
}

const hints: Readonly<Record<string, string>> = {
  mobile: 'The whole number. It is masked once it is saved',
  second_mobile: 'To be rung. Alerts go here only where the first is known to fail',
  email: 'One on another network than their own is worth most',
  second_email: 'Alerts go here only where the first is known to fail',
  landline: 'To be rung, never texted',
};

/** `On-call IT (Southmere), Desk (Eastvale) and 3 more`. */
function whoElse({ others, othersCount }: PointOfContact): string {
  const named = others.map(({ name, organisationName }) => `${name} (${organisationName})`);
  const more = othersCount - others.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}

/** Each field for a number or an address, with what the contact has there now. */
export function slotsOf(points: readonly PointOfContact[]) {
  return slots.map((slot) => {
    const stored = points.filter(({ channel }) => channel === slot.channel)[slot.place];
    if (stored === undefined) return { ...slot, stored: null, hint: hints[slot.field] ?? null };
    const hint = `On file: ${stored.shown}. Leave this empty to keep it`;
    return { ...slot, stored: { ...stored, who: whoElse(stored) }, hint };
  });
}

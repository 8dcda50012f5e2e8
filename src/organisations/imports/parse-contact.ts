import { maskEmailAddress, parseEmailAddress } from '#kernel/email-address.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { forService, maskPhoneNumber, parsePhoneNumber } from '#kernel/phone-number.ts';
import type { Address, Channel, ContactRow, ContactRules } from '../model.ts';
import type { Row } from './row.ts';

/** The columns of the file of contacts (docs/importing.md). */
export const contactColumns: readonly string[] = [
  'organisation_code',
  'name',
  'kind',
  'role',
  'rank',
  'reader_kind',
  'mobile',
  'second_mobile',
  'email',
  'second_email',
  'landline',
  'language',
  'active',
];

/** What the text service may send to besides British mobiles: nothing unless it was asked for. */
export type TextPermissions = { readonly landline?: boolean; readonly international?: boolean };

export const NEEDS_A_WAY = 'needs a number here or an address under email';
export const NAME_MAX = 120;
export const RANK_MAX = 9;

const pointColumns = {
  text: ['mobile', 'second_mobile'],
  mail: ['email', 'second_email'],
  landline: ['landline'],
} as const satisfies Record<Channel, readonly string[]>;

/** By this a contact is recognised, in a file and in the directory. */
export function contactKey(row: Pick<ContactRow, 'organisationCode' | 'role' | 'name'>): string {
  return [row.organisationCode, row.role, row.name.toLowerCase()].join('\n');
}

export function parseContact(
  row: Row,
  rules: ContactRules,
  textPermissions: TextPermissions,
): ContactRow | undefined {
  const organisationCode = row.code('organisation_code');
  if (organisationCode === '') row.refuse('organisation_code', 'is empty');
  const text = pointsOf(row, 'text', (cell) => parseMobile(cell, textPermissions));
  const mail = pointsOf(row, 'mail', parseMail);
  const landline = pointsOf(row, 'landline', parseLandline);
  const points = [text, mail, landline].flatMap((told) => told ?? []);
  if (points.length === 0 && row.refused.length === 0) {
    row.refuse('mobile', NEEDS_A_WAY);
  }
  const active = row.yesOrNo('active');
  const language = languageOf(row);
  const contact: ContactRow = {
    organisationCode,
    name: row.required('name', NAME_MAX),
    ...(row.has('kind') && { isPost: isPost(row) }),
    role: row.keyOf('role', rules.contactRoles),
    ...(row.has('rank') && { rank: rankOf(row) }),
    ...(row.has('reader_kind') && { readerKind: readerKindOf(row, rules) }),
    ...(language !== undefined && { language }),
    ...(active !== undefined && { active }),
    points: { ...(text && { text }), ...(mail && { mail }), ...(landline && { landline }) },
  };
  return row.refused.length === 0 ? contact : undefined;
}

/** Undefined where the file has no column for the channel. */
function pointsOf(
  row: Row,
  channel: Channel,
  parse: (cell: string) => Outcome<Address>,
): Address[] | undefined {
  const columns = pointColumns[channel].filter((column) => row.has(column));
  if (columns.length === 0) return undefined;
  const points: Address[] = [];
  for (const column of columns.filter((name) => row.text(name) !== '')) {
    const point = parse(row.text(column));
    if (!point.ok) {
      row.refuse(column, point.message);
    } else if (points.some(({ normalised }) => normalised === point.value.normalised)) {
      row.refuse(column, 'is the same as the first');
    } else {
      points.push(point.value);
    }
  }
  return points;
}

/** All digits of a British mobile: with its country it is the same number as without. */
const BRITISH_MOBILE = /^447\d{9}$/;

export function parseMobile(cell: string, permissions: TextPermissions): Outcome<Address> {
  const number = parsePhoneNumber(cell);
  const sendable = number.ok ? forService(number.value, permissions) : number;
  if (!sendable.ok) return sendable;
  // What is sent is the number with its country. Notify takes `0770090` as it is typed and refuses
  // 440770090: it would be found out in the alarm.
  const sent = BRITISH_MOBILE.test(sendable.value.e164)
    ? sendable
    : parsePhoneNumber(sendable.value.e164);
  if (!sent.ok && sendable.value.kind !== 'international') return sent;
  return ok({ normalised: sendable.value.e164, shown: maskPhoneNumber(sendable.value) });
}

/** A number that people ring and nobody texts. */
export function parseLandline(cell: string): Outcome<Address> {
  const number = parsePhoneNumber(cell);
  if (!number.ok) return number;
  if (number.value.kind === 'mobile') {
    return refused('invalid', 'is a mobile: write it under mobile');
  }
  return ok({ normalised: number.value.e164, shown: maskPhoneNumber(number.value) });
}

export function parseMail(cell: string): Outcome<Address> {
  const address = parseEmailAddress(cell);
  if (!address.ok) return address;
  return ok({ normalised: address.value, shown: maskEmailAddress(address.value) });
}

export function isPost(row: Row): boolean {
  const kind = row.text('kind').toLowerCase();
  if (kind !== '' && kind !== 'person' && kind !== 'post') {
    row.refuse('kind', 'must be person or post');
  }
  return kind === 'post';
}

export function rankOf(row: Row): number {
  const text = row.text('rank') || '1';
  if (!/^[1-9]$/.test(text)) row.refuse('rank', `must be a whole number from 1 to ${RANK_MAX}`);
  return Number(text);
}

/** How those read of whom nothing is said: the kind that the operating model names first. */
export function usualReaderKind({ readerKinds }: Pick<ContactRules, 'readerKinds'>): string {
  return Object.keys(readerKinds)[0]!;
}

export function readerKindOf(row: Row, rules: ContactRules): string {
  if (row.text('reader_kind') === '') return usualReaderKind(rules);
  return row.keyOf('reader_kind', rules.readerKinds);
}

export function languageOf(row: Row): 'en' | 'cy' | undefined {
  const language = row.text('language').toLowerCase();
  if (language === '') return undefined;
  if (language === 'en' || language === 'cy') return language;
  return row.refuse('language', 'must be en or cy');
}

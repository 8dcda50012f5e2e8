/** What contacts type about themselves, and what their pages say. Pure. */
import { parseEmailAddress } from '#kernel/email-address.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { parsePhoneNumber } from '#kernel/phone-number.ts';
import { many, type Form } from '#web/index.ts';
import type { CoverChoice } from '../contacts/cover.ts';
import { absenceWords, hoursWords } from '../contacts/form-duty.ts';
import type { Address, ContactRules } from '../model.ts';
import { parseMail, parseMobile, type TextPermissions } from '../imports/parse-contact.ts';
import type { ContactRecord } from '../contacts/store-contacts.ts';
import type { Absence, DutyHours } from '../contacts/store-duty.ts';
import type { TroubleRules } from '../proof/trouble.ts';
import type { Attestation, OwnPoint } from './store-own.ts';

export type TypedAddress = { readonly channel: 'text' | 'mail'; readonly normalised: string };

/** Any number or address: whether it is on file, and can be sent to, is not said here. */
export function parseOwnAddress(form: Form): Outcome<TypedAddress> {
  const typed = (many(form['address'])[0] ?? '').trim();
  const mail = typed.includes('@') ? parseEmailAddress(typed) : undefined;
  if (mail?.ok) return ok({ channel: 'mail', normalised: mail.value });
  const number = mail === undefined ? parsePhoneNumber(typed) : undefined;
  if (number?.ok) return ok({ channel: 'text', normalised: number.value.e164 });
  const why = 'Enter a mobile number or an email address';
  return refused('invalid', why, { address: why });
}

/** Six digits, as people read them: 482 159. */
export function codeOf(form: Form): string {
  return (many(form['code'])[0] ?? '').replaceAll(/\s/g, '');
}

export type NumberForm = {
  readonly channel: 'text' | 'mail';
  readonly address: Address;
  readonly replacesId: string | null;
};

/** A new number or address, refused exactly as the centre's own form refuses it. */
export function parseNumberForm(
  form: Form,
  points: readonly OwnPoint[],
  textPermissions: TextPermissions,
): Outcome<NumberForm> {
  const typed = (many(form['address'])[0] ?? '').trim();
  const channel = typed.includes('@') ? 'mail' : 'text';
  const address = channel === 'mail' ? parseMail(typed) : parseMobile(typed, textPermissions);
  if (typed === '') return invalid('address', 'Enter a mobile number or an email address');
  if (!address.ok) return invalid('address', address.message);
  const chosen = many(form['replaces'])[0] ?? '';
  if (chosen === '') return ok({ channel, address: address.value, replacesId: null });
  const replaced = points.find(({ contactPointId }) => contactPointId === chosen);
  if (replaced === undefined) return invalid('replaces', 'Choose one of those offered');
  if (replaced.channel !== channel) {
    const why = 'A number takes the place of a number, an address that of an address';
    return invalid('replaces', why);
  }
  return ok({ channel, address: address.value, replacesId: chosen });
}

function invalid(field: string, why: string): Outcome<never> {
  return refused('invalid', why, { [field]: why });
}

const turns = [
  'first',
  'second',
  'third',
  'fourth',
  'fifth',
  'sixth',
  'seventh',
  'eighth',
  'ninth',
];

const kinds = { text: 'Mobile', mail: 'Email address', landline: 'Landline' } as const;

type OnFile = {
  readonly contact: ContactRecord;
  readonly points: readonly OwnPoint[];
  readonly attestation: Attestation;
  readonly hours: readonly DutyHours[];
  readonly absences: readonly Absence[];
  readonly covers: CoverChoice;
};

type Words = {
  readonly rules: ContactRules & Pick<TroubleRules, 'proofHoldsForMs' | 'attestation'>;
  readonly now: Date;
  /** Hours that were typed and refused. */
  readonly typedHours?: Form | undefined;
};

/** All that is on file of a contact, in its own words. */
export function ownWords(onFile: OnFile, { rules, now, typedHours }: Words) {
  const { contact, points, attestation, hours, absences, covers } = onFile;
  const { role, rank, readerKind } = contact;
  return {
    contact: {
      ...contact,
      roleLabel: rules.contactRoles[role]?.label ?? role,
      readerLabel: rules.readerKinds[readerKind]?.label ?? readerKind,
      isChased: rules.readerKinds[readerKind]?.chased ?? true,
      isShared: contact.points.some(({ othersCount }) => othersCount > 0),
      turn: turns[rank - 1] ?? `at rank ${rank}`,
    },
    points: points.map((point) => ({
      ...point,
      kind: kinds[point.channel],
      isProvable: point.channel !== 'landline',
      provenUntil: provenUntil(point, attestation, rules.proofHoldsForMs),
    })),
    ...attestation,
    askedAgainAt: askedAgainAt(attestation, rules.attestation.everyMs),
    hours: hoursWords(hours, typedHours),
    absences: absences.map((one) => absenceWords(one, now)),
    covers,
  };
}

/** From when on it is asked whether all is still right; null: it has not said so yet. */
function askedAgainAt({ attestedAt }: Pick<Attestation, 'attestedAt'>, everyMs: number) {
  return attestedAt === null ? null : new Date(attestedAt.getTime() + everyMs);
}

/** Proven once, it stays so as long as somebody answers from it or its owner says so. */
export function provenUntil(
  { provenAt }: Pick<OwnPoint, 'provenAt'>,
  { attestedAt }: Pick<Attestation, 'attestedAt'>,
  holdsForMs: number,
): Date | null {
  if (provenAt === null) return null;
  const since = Math.max(provenAt.getTime(), attestedAt?.getTime() ?? 0);
  return new Date(since + holdsForMs);
}

/** The numbers of an organisation in the order to ring them; the next one opened, with an entry. */
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { listPhonesOfOrganisation } from '#organisations/index.ts';
import { wayOfNumber, wayOfSwitchboard, type Opens, type Way } from '../asker.ts';
import { nextWay, type CallOutcome } from './model.ts';
import type { AttemptRow } from './store-attempts.ts';
import type { RungOrganisation } from './store-calls.ts';

/** One number; null for the switchboard, which is no secret. */
export type CallWay = {
  readonly contactPointId: string | null;
  /** A person, a post, or the switchboard. */
  readonly name: string;
  readonly role: string;
  /** Off duty or away. */
  readonly isOff: boolean;
  /** Masked, but for the switchboard. */
  readonly shown: string;
  readonly addressSealed: Buffer | undefined;
  readonly lastOutcome: CallOutcome | undefined;
};

export type CallWays = { readonly all: readonly CallWay[]; readonly next: CallWay | undefined };

/** In the order of the chain, the switchboard last. A number of two people is one. */
export async function listWays(
  tx: Tx,
  { organisationId, telephone }: RungOrganisation,
  attempts: readonly AttemptRow[],
): Promise<CallWays> {
  const phones = await listPhonesOfOrganisation(tx, organisationId);
  const lastOf = (id: string | null) =>
    attempts.findLast(({ contactPointId }) => contactPointId === id)?.outcome;
  const firsts = phones.filter(
    ({ contactPointId }, i) =>
      phones.findIndex((other) => other.contactPointId === contactPointId) === i,
  );
  const all: CallWay[] = firsts.map((phone) => ({
    contactPointId: phone.contactPointId,
    name: phone.name,
    role: phone.role,
    isOff: phone.isOff,
    shown: phone.shown,
    addressSealed: phone.addressSealed,
    lastOutcome: lastOf(phone.contactPointId),
  }));
  if (telephone !== null)
    all.push({
      contactPointId: null,
      name: 'Switchboard',
      role: '',
      isOff: false,
      shown: wayOfSwitchboard(telephone).shown,
      addressSealed: undefined,
      lastOutcome: lastOf(null),
    });
  return { all, next: nextWay(all, attempts) };
}

/** The next number, whole, for whoever has the name: each look is an entry of the audit. */
export async function openWay(
  tx: Tx,
  { next }: CallWays,
  { openAddress }: Pick<Opens, 'openAddress'>,
): Promise<(CallWay & Way) | undefined> {
  if (next === undefined) return undefined;
  const { contactPointId, addressSealed, shown } = next;
  if (contactPointId === null || addressSealed === undefined)
    return { ...next, ...wayOfSwitchboard(shown) };
  await record(tx, {
    action: 'contact.looked_up',
    subject: { kind: 'contact_point', id: contactPointId },
  });
  return { ...next, ...wayOfNumber(openAddress(contactPointId, addressSealed)) };
}

/** Who asked for somebody, and how to reach them: in full only for who took the item. */
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { dialled, parsePhoneNumber, spacedNumber } from '#kernel/phone-number.ts';
import {
  listReachOfOrganisation,
  listReachOfPoints,
  type ReachOfContact,
} from '#organisations/index.ts';
import { listAskingPoints, type DeskItemRow } from './store-desk.ts';
import { findSender } from './store-read.ts';

export type Asker = {
  /** A person or a post, such as "On-call IT". */
  readonly name: string;
  readonly role: string;
  /** Others of the organisation have the number too that it came from: it may have been them. */
  readonly isOneOfSeveral: boolean;
  readonly ways: readonly Way[];
};

export type Way = {
  /** The number or address; masked where there is no `href`. */
  readonly shown: string;
  /** `tel:` or `mailto:`, where it may be seen in full. */
  readonly href?: string;
};

/** How what is kept sealed is read. */
export type Opens = {
  readonly openAddress: (contactPointId: string, sealed: Buffer) => string;
  readonly openSender: (replyId: string, sealed: Buffer) => string;
};

/**
 * The contacts that items of one organisation came from, or the stranger. With `opens` their
 * details are opened, and every such look-up is an entry of the audit.
 */
export async function listAskers(
  tx: Tx,
  items: readonly [DeskItemRow, ...DeskItemRow[]],
  opens?: Opens,
): Promise<Asker[]> {
  const [item] = items;
  const points = await listAskingPoints(
    tx,
    items.map(({ id }) => id),
  );
  const reach = await listReachOfPoints(tx, points, item.organisationId);
  const byContact = Map.groupBy(reach, ({ contactId }) => contactId);
  const stranger = byContact.size === 0 ? await strangerOf(tx, item, opens) : [];
  if (opens !== undefined && byContact.size + stranger.length > 0)
    await record(tx, {
      action: 'contact.looked_up',
      subject: { kind: 'desk_item', id: item.id },
      detail: { contacts: [...byContact.keys()] },
    });
  if (stranger.length > 0) return stranger;
  return [...byContact.values()].map((ways) => ({
    name: ways[0]!.name,
    role: ways[0]!.role,
    isOneOfSeveral: ways.some(
      ({ contactId, contactPointId }) =>
        points.includes(contactPointId) &&
        reach.some((one) => one.contactPointId === contactPointId && one.contactId !== contactId),
    ),
    ways: ways.map((way) => wayOf(way, opens)),
  }));
}

/** How everybody of an organisation is reached, by contact: opened, and an entry of the audit. */
export async function openContacts(
  tx: Tx,
  organisationId: string,
  opens: Opens,
): Promise<Readonly<Record<string, readonly Way[]>>> {
  const reach = await listReachOfOrganisation(tx, organisationId);
  const byContact = Map.groupBy(reach, ({ contactId }) => contactId);
  await record(tx, {
    action: 'contact.looked_up',
    subject: { kind: 'organisation', id: organisationId },
    detail: { contacts: [...byContact.keys()] },
  });
  return Object.fromEntries(
    [...byContact].map(([id, ways]) => [id, ways.map((way) => wayOf(way, opens))]),
  );
}

/** Somebody of the centre, or whoever texted from a number that is nobody's in the directory. */
async function strangerOf(
  tx: Tx,
  { replyId, personName }: DeskItemRow,
  opens: Opens | undefined,
): Promise<Asker[]> {
  const sealed = replyId === null ? undefined : await findSender(tx, replyId);
  if (replyId === null || sealed === undefined) return [];
  const ways = opens === undefined ? [] : [wayOfNumber(opens.openSender(replyId, sealed))];
  return [
    {
      name: personName ?? 'Somebody who is not in the directory',
      role: '',
      isOneOfSeveral: false,
      ways,
    },
  ];
}

function wayOf(way: ReachOfContact, opens: Opens | undefined): Way {
  if (opens === undefined) return { shown: way.shown };
  const address = opens.openAddress(way.contactPointId, way.addressSealed);
  return way.channel === 'mail'
    ? { shown: address, href: `mailto:${address}` }
    : wayOfNumber(address);
}

/** A number as providers and the directory write it; a name that was sent from cannot be rung. */
export function wayOfNumber(text: string): Way {
  const number = parsePhoneNumber(/^[1-9]\d+$/.test(text) ? `+${text}` : text);
  if (!number.ok) return { shown: text };
  return { shown: number.value.national, href: `tel:+${number.value.e164}` };
}

/** A switchboard is no secret, and is kept as its register writes it. */
export function wayOfSwitchboard(text: string): Way & { readonly href: string } {
  return { shown: spacedNumber(text), href: `tel:${dialled(text)}` };
}

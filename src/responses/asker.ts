/** Who asked for somebody, and how to reach them: in full only for who took the item. */
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { parsePhoneNumber } from '#kernel/phone-number.ts';
import { listReachOfPoints, type ReachOfContact } from '#organisations/index.ts';
import { listAskingPoints, type DeskItemRow } from './store-read.ts';

export type Asker = {
  /** A person or a post, such as "On-call IT". */
  readonly name: string;
  readonly role: string;
  readonly ways: readonly Way[];
};

export type Way = {
  /** The number or address; masked where there is no `href`. */
  readonly shown: string;
  /** `tel:` or `mailto:`, where it may be seen in full. */
  readonly href?: string;
};

type OpenAddress = (contactPointId: string, sealed: Buffer) => string;

/**
 * The contacts an item came from. With `openAddress` their details are opened, and every such
 * look-up is an entry of the audit.
 */
export async function listAskers(
  tx: Tx,
  item: DeskItemRow,
  openAddress?: OpenAddress,
): Promise<Asker[]> {
  const points = await listAskingPoints(tx, item.id);
  const reach = await listReachOfPoints(tx, points, item.organisationId);
  const byContact = Map.groupBy(reach, ({ contactId }) => contactId);
  if (openAddress !== undefined && byContact.size > 0)
    await record(tx, {
      action: 'contact.looked_up',
      subject: { kind: 'desk_item', id: item.id },
      detail: { contacts: [...byContact.keys()] },
    });
  return [...byContact.values()].map((ways) => ({
    name: ways[0]!.name,
    role: ways[0]!.role,
    ways: ways.map((way) => wayOf(way, openAddress)),
  }));
}

function wayOf(way: ReachOfContact, openAddress: OpenAddress | undefined): Way {
  if (openAddress === undefined) return { shown: way.shown };
  const address = openAddress(way.contactPointId, way.addressSealed);
  if (way.channel === 'mail') return { shown: address, href: `mailto:${address}` };
  const number = parsePhoneNumber(`+${address}`);
  return { shown: number.ok ? number.value.national : `+${address}`, href: `tel:+${address}` };
}

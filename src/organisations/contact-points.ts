/** Numbers and addresses on their way into the directory: found again, or sealed. */
import { newId } from '#kernel/ids.ts';
import { blindIndex, seal } from '#kernel/sealed.ts';
import type { Tx } from '#db/database.ts';
import type { DirectorySecrets } from './import-options.ts';
import { channels, type Address, type Channel } from './model.ts';
import type { PlacedContact } from './plan-contacts.ts';
import { listContactPointIds, type NewContactPoint } from './store-import.ts';

export type Points = {
  readonly idOf: (channel: Channel, address: Address) => string;
  /** Those that were not stored yet, for those that are to be. */
  readonly made: () => NewContactPoint[];
};

/** The contact point of every number and address in the rows: the stored one, or one to be made. */
export async function findOrNamePoints(
  tx: Tx,
  rows: readonly PlacedContact[],
  secrets: DirectorySecrets,
): Promise<Points> {
  const ids = new Map<string, string>();
  const missing: Omit<NewContactPoint, 'addressSealed'>[] = [];
  const normalised = new Map<string, string>();
  for (const channel of channels) {
    const told = rows.flatMap(({ row }) => row.points[channel] ?? []);
    const addresses = new Map(told.map((address) => [address.normalised, address]));
    const indexed = Array.from(addresses.values(), (address) => ({
      address,
      addressIndex: blindIndex(secrets.blindIndexKey, channel, address.normalised),
    }));
    const indexes = indexed.map(({ addressIndex }) => addressIndex);
    const stored = await listContactPointIds(tx, channel, indexes);
    const known = new Map(stored.map((row) => [row.addressIndex.toString('hex'), row.id]));
    for (const { address, addressIndex } of indexed) {
      const knownId = known.get(addressIndex.toString('hex'));
      const id = knownId ?? newId();
      ids.set(pointKey(channel, address), id);
      if (knownId !== undefined) continue;
      missing.push({ id, channel, addressIndex, shown: address.shown });
      normalised.set(id, address.normalised);
    }
  }
  return {
    idOf: (channel, address) => ids.get(pointKey(channel, address))!,
    made: () =>
      missing.map((point) => ({
        ...point,
        addressSealed: seal(
          secrets.addressKey,
          sealingContext(point.id),
          normalised.get(point.id)!,
        ),
      })),
  };
}

function pointKey(channel: Channel, address: Address): string {
  return `${channel}|${address.normalised}`;
}

/** What a contact point's address is sealed under; a message row carries the same bytes. */
export function sealingContext(contactPointId: string): string {
  return `contact_point|${contactPointId}`;
}

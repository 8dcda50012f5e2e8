/** Numbers and addresses on their way into the directory: found again, or sealed. */
import { scheduler } from 'node:timers/promises';
import { newId } from '#kernel/ids.ts';
import { blindIndex, seal } from '#kernel/sealed.ts';
import type { Tx } from '#db/database.ts';
import type { DirectorySecrets } from '../imports/import-options.ts';
import { channels, type Address, type Channel } from '../model.ts';
import type { PlacedContact } from '../imports/plan-contacts.ts';
import { listContactPointIds, type NewContactPoint } from '../imports/store-import.ts';

/** The numbers and addresses of some rows, each once, with the keyed hash it is found by. */
export type IndexedAddresses = ReadonlyMap<Channel, readonly IndexedAddress[]>;

type IndexedAddress = { readonly address: Address; readonly addressIndex: Buffer };

export type Points = {
  readonly idOf: (channel: Channel, address: Address) => string;
  /** Those that were not stored yet, sealed. */
  readonly make: (secrets: DirectorySecrets) => Promise<NewContactPoint[]>;
};

/** So many are hashed or sealed, in 3 to 5 ms, before statements that run beside it go on. */
const AT_ONCE = 500;

/** Hashes for `findOrNamePoints`; other work goes on meanwhile. */
export async function indexAddresses(
  rows: readonly PlacedContact[],
  { blindIndexKey }: DirectorySecrets,
): Promise<IndexedAddresses> {
  const indexed = new Map<Channel, IndexedAddress[]>();
  for (const channel of channels) {
    const told = rows.flatMap(({ row }) => row.points[channel] ?? []);
    const addresses = new Map(told.map((address) => [address.normalised, address]));
    const ofChannel = await mapInSlices([...addresses.values()], (address) => ({
      address,
      addressIndex: blindIndex(blindIndexKey, channel, address.normalised),
    }));
    indexed.set(channel, ofChannel);
  }
  return indexed;
}

/** The contact point of every number and address: the stored one, or one to be made. */
export async function findOrNamePoints(tx: Tx, addresses: IndexedAddresses): Promise<Points> {
  const ids = new Map<string, string>();
  const missing: (Omit<NewContactPoint, 'addressSealed'> & { normalised: string })[] = [];
  for (const [channel, indexed] of addresses) {
    const indexes = indexed.map(({ addressIndex }) => addressIndex);
    const stored = await listContactPointIds(tx, channel, indexes);
    const known = new Map(stored.map((row) => [row.addressIndex.toString('hex'), row.id]));
    for (const { address, addressIndex } of indexed) {
      const knownId = known.get(addressIndex.toString('hex'));
      const id = knownId ?? newId();
      ids.set(pointKey(channel, address), id);
      if (knownId !== undefined) continue;
      const { shown, normalised } = address;
      missing.push({ id, channel, addressIndex, shown, normalised });
    }
  }
  return {
    idOf: (channel, address) => ids.get(pointKey(channel, address))!,
    make: ({ addressKey }) =>
      mapInSlices(missing, ({ normalised, ...point }) => ({
        ...point,
        addressSealed: seal(addressKey, sealingContext(point.id), normalised),
      })),
  };
}

async function mapInSlices<T, U>(values: readonly T[], each: (value: T) => U): Promise<U[]> {
  const mapped: U[] = [];
  for (let i = 0; i < values.length; i += AT_ONCE) {
    mapped.push(...values.slice(i, i + AT_ONCE).map(each));
    await scheduler.yield();
  }
  return mapped;
}

function pointKey(channel: Channel, address: Address): string {
  return `${channel}|${address.normalised}`;
}

/** What a contact point's address is sealed under; a message row carries the same bytes. */
export function sealingContext(contactPointId: string): string {
  return `contact_point|${contactPointId}`;
}

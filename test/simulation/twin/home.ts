/** Twins of `src/dispatch/store-home.ts`. */
import { compare, keyOf, type Base, type Channel, type GatewayRow } from './rows.ts';
import { hashName, hashUuid } from './uuid-hash.ts';

type Way = { readonly id: string; readonly low: number; readonly high: number };

/** The gateways of a channel that are on, each with its stretch of the line. */
function waysOf(base: Base, channel: Channel): Way[] {
  const on = [...base.tables.gateway.values()]
    .filter((gateway) => gateway.channel === channel && gateway.enabled)
    .toSorted((a, b) => compare(a.id, b.id));
  const areReserves = on.every((gateway) => gateway.weight === 0);
  const weightOf = (gateway: GatewayRow) => (areReserves ? 1 : gateway.weight);
  let low = 0;
  return on.map((gateway) => {
    const way = { id: gateway.id, low, high: low + weightOf(gateway) };
    low = way.high;
    return way;
  });
}

type Addressed = { readonly contactPointId: string; readonly channel: Channel };

function chosenWay(base: Base, { contactPointId, channel }: Addressed): string | null {
  const ways = waysOf(base, channel);
  const total = ways.at(-1)?.high ?? 0;
  if (total === 0) return null;
  const point = Number(BigInt.asUintN(63, hashUuid(contactPointId)) % BigInt(total));
  return ways.find(({ low, high }) => point >= low && point < high)!.id;
}

/**
 * The gateway by which a message is to leave: its reader's, or another one where that is slow and
 * the reader among those shifted away; null where its channel has none that is on.
 */
export function homeOf(base: Base, message: Addressed): string | null {
  const { contactPointId } = message;
  const own = knownWay(base, message);
  if (own === null) return null;
  const shiftOf = (id: string) => base.tables.breaker.get(id)!.shift;
  const place = Number(BigInt.asUintN(63, hashUuid(contactPointId, 1n)) % 100n);
  if (place >= shiftOf(own)) return own;
  const byName = (id: string) => BigInt.asIntN(64, hashUuid(contactPointId, hashName(id)));
  const [other] = waysOf(base, base.tables.gateway.get(own)!.channel)
    .filter(({ id }) => id !== own && shiftOf(id) < shiftOf(own))
    .toSorted((a, b) => (byName(a.id) < byName(b.id) ? -1 : 1));
  return other?.id ?? own;
}

/** The sender that somebody knows, where that gateway is on; else the weighted choice. */
function knownWay(base: Base, message: Addressed): string | null {
  const sender = base.tables.sender.get(keyOf(message.contactPointId, message.channel));
  if (sender !== undefined && base.tables.gateway.get(sender.gatewayId)?.enabled === true)
    return sender.gatewayId;
  return chosenWay(base, message);
}

export function listSharedChannels(base: Base): Channel[] {
  const channels = [...base.tables.gateway.values()].map((gateway) => gateway.channel);
  return (['mail', 'text'] as const).filter(
    (channel) => channels.filter((other) => other === channel).length > 1,
  );
}

export function rememberSenders(
  base: Base,
  of: { ids: readonly string[]; channels: readonly string[] },
): void {
  for (const message of base.tables.message.values()) {
    const { contactPointId, channel } = message;
    const key = keyOf(contactPointId, channel);
    if (!of.ids.includes(message.id) || !of.channels.includes(channel)) continue;
    if (base.tables.sender.has(key)) continue;
    const gatewayId = chosenWay(base, message);
    if (gatewayId === null) continue;
    base.writes += 1;
    base.tables.sender.set(key, { contactPointId, channel, gatewayId });
  }
}

export function findHomes(base: Base, most: number): number {
  const homeless = [...base.tables.message.values()]
    .filter(
      (m) =>
        m.state === 'ready' &&
        m.homeGatewayId === null &&
        base.dispatchOf(m).state === 'sending' &&
        waysOf(base, m.channel).length > 0,
    )
    .slice(0, most);
  for (const message of homeless) base.update(message, { homeGatewayId: homeOf(base, message) });
  return homeless.length;
}

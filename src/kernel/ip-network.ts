/**
 * The network that an address stands for when visitors are counted: an IPv4 address itself, and the
 * /64 of an IPv6 address, because one household or host is given all of it (RFC 6177, section 2).
 * Some proxies name the visitor's port too, which is another one with each connection.
 */
export function networkOf(address: string): string {
  const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/i.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4;
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(address)?.[1] ?? address;
  const [before = '', after] = (bare.split('%')[0] ?? '').toLowerCase().split('::');
  const groups = (text: string | undefined) => (text ? text.split(':') : []);
  const [head, tail] = [groups(before), groups(after)];
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  const all = [...head, ...zeros, ...tail].map((group) => group.replace(/^0+(?=.)/, ''));
  return mappedIn(all) ?? `${all.slice(0, 4).join(':')}::/64`;
}

/** The IPv4 address in one of IPv6 (RFC 4291, section 2.5.5.2), where it is written in hex. */
function mappedIn(groups: readonly string[]): string | undefined {
  const mapped = /^0:0:0:0:0:ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(groups.join(':'));
  if (mapped === null) return undefined;
  const halves = [mapped[1]!, mapped[2]!].map((half) => Number.parseInt(half, 16));
  return halves.flatMap((half) => [half >> 8, half & 255]).join('.');
}

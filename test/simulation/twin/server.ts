/** What a server says of itself, and what the database remembers of the one it knew (P10). */

/** Which run of which server our history was last seen whole in; one row (P10). */
export type ContinuityRow = {
  isSingle: true;
  systemIdentifier: string;
  timeline: string;
  databaseId: string;
  provenStart: number;
  heldSince: number | null;
  heldStart: number | null;
  heldReason: string | null;
  readFrom: number | null;
  lookedAt: number | null;
  readGateways: string[];
  adopted: number;
  replicaAwaySince: number | null;
  aloneSince: number | null;
  aloneReason: string | null;
};

/** A text of ours at a provider of which the database has no message. */
export type LostTextRow = {
  reference: string;
  gatewayId: string;
  providerId: string;
  status: string;
  createdAt: number;
  foundAt: number;
};

/** What the server says of itself. */
export type Server = {
  readonly systemIdentifier: string;
  readonly timeline: string;
  readonly databaseId: string;
  readonly startedAt: number;
};

export const FIRST_SERVER: Server = {
  systemIdentifier: '7000000000000000001',
  timeline: '00000001',
  databaseId: '5-16400',
  startedAt: 0,
};

/** A database that is made in this start of a server has no history to lose. */
export function wholeHistory(server: Server): ContinuityRow {
  const { startedAt, ...where } = server;
  const held = { heldSince: null, heldStart: null, heldReason: null };
  const none = { ...held, readFrom: null, lookedAt: null };
  const proven = { ...where, provenStart: startedAt };
  const replica = { replicaAwaySince: null, aloneSince: null, aloneReason: null };
  return { isSingle: true, ...proven, ...none, ...replica, readGateways: [], adopted: 0 };
}

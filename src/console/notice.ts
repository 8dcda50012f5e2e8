/** What the slices tell boards about (dispatch/store-told.ts, `notifyResponse`). Pure. */

/** So many messages went from one state to another. */
export type Move = {
  readonly channel: 'text' | 'mail';
  /** By which they are to leave while they have not. */
  readonly home: string | null;
  readonly gatewayBefore: string | null;
  readonly gatewayNow: string | null;
  readonly isFirst: boolean;
  /** A reminder is no next in line. */
  readonly reminds: boolean;
  readonly was: string;
  readonly became: string;
  readonly messages: number;
  /** Keys, one for each organisation of each message. */
  readonly organisations: readonly string[];
};

export type Notice = {
  /** An alert, a dispatch, or another word; '' for no alert in particular. */
  readonly about: string;
  /** What it says beyond "look again"; absent where all has to be read. */
  readonly news?:
    | { readonly kind: 'moves'; readonly transaction: number; readonly moves: readonly Move[] }
    | { readonly kind: 'answers'; readonly organisationIds: readonly string[] };
};

/** Characters of an organisation's key: base64 of sixteen bytes. */
const KEY = 24;

export function parseNotice(channel: string, payload: string): Notice {
  const [about = '', ...rest] = payload.split(' ');
  if (rest.length === 0) return { about };
  if (channel === 'tocsin_response')
    return { about, news: { kind: 'answers', organisationIds: rest } };
  const [transaction, ...json] = rest;
  const moves = (JSON.parse(json.join(' ')) as MoveTuple[]).map(moveOf);
  return { about, news: { kind: 'moves', transaction: Number(transaction), moves } };
}

type MoveTuple = [
  channel: Move['channel'],
  home: string | null,
  gatewayBefore: string | null,
  gatewayNow: string | null,
  isFirst: boolean,
  reminds: boolean,
  was: string,
  became: string,
  messages: number,
  organisations: string,
];

function moveOf(tuple: MoveTuple): Move {
  const [channel, home, gatewayBefore, gatewayNow, isFirst, reminds, ...rest] = tuple;
  const [was, became, messages, keys] = rest;
  const organisations = Array.from({ length: keys.length / KEY }, (_, i) =>
    keys.slice(i * KEY, (i + 1) * KEY),
  );
  const which = { channel, home, gatewayBefore, gatewayNow, isFirst, reminds };
  return { ...which, was, became, messages, organisations };
}

/** Whether a snapshot (PostgreSQL's `xmin:xmax:xip,…`) shows what this transaction committed. */
export function isSeenBy(snapshot: string, transaction: number): boolean {
  const [oldest, next, underWay] = snapshot.split(':');
  if (transaction < Number(oldest)) return true;
  return transaction < Number(next) && !underWay!.split(',').includes(String(transaction));
}

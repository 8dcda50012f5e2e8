/** Dispatches of any size, made without the directory, and their release. */
import { system } from '#kernel/actor.ts';
import type { Approved } from '#kernel/approved.ts';
import { newId } from '#kernel/ids.ts';
import { seal, type SealingKey } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import type { Database, Tx } from '#db/database.ts';
import { planDispatch, releaseDispatch, sealDispatch, upsertGateway } from '#dispatch/index.ts';

/** One text of design section 9, as long as texts are. */
export const BODY =
  'NHS CYBER 4901 HIGH, Northmoor: ransomware via Citrix. Isolate Citrix gateways now. ' +
  'Email safe. Reply 4821=got it, 4821 HELP=call me';

const NUMBERS = 1_000_000;
const FIRST = 100_000;
const DAY_MS = 24 * 3_600_000;
const ROWS_AT_ONCE = 10_000;
const actor = system('bench');

/**
 * 07700 100000 and on, a million of them (Ofcom's drama range widened): only while every gateway is
 * loopback.
 */
export function numberOf(index: number): string {
  return `447700${String((FIRST + index) % NUMBERS).padStart(6, '0')}`;
}

export type Bucket = { readonly ratePerSecond: number; readonly burst: number };

/** Holds nothing up. */
export const openBucket: Bucket = { ratePerSecond: 1e6, burst: 1e6 };

/** With the hash of a token, providers may call back with it. */
export async function seedGateway(
  owner: Database,
  bucket: Bucket,
  callbackTokenHash: Buffer | null = null,
  id = 'notify',
): Promise<void> {
  await owner.withActor(actor, (tx) =>
    upsertGateway(tx, {
      id,
      kind: 'notify',
      channel: 'text',
      bucket: { id, ...bucket },
      canBeAsked: true,
      takesReplies: true,
      settingsSealed: Buffer.from('not read by bench'),
      callbackTokenHash,
    }),
  );
}

export type DispatchShape = {
  /** 1 live alerts, 3 routine (src/dispatch/README.md). */
  readonly lane?: number;
  /** Every organisation has so many texts, one of each rank. */
  readonly ranks?: number;
  /** Each of its texts once in every round; the later ones open after a day. */
  readonly rounds?: number;
};

/** A dispatch of so many texts, each to a number of its own. */
export async function makeDispatch(
  owner: Database,
  sealingKey: SealingKey,
  messages: number,
  { lane = 1, ranks = 1, rounds = 1 }: DispatchShape = {},
): Promise<string> {
  const id = newId();
  await owner.withActor(actor, async (tx) => {
    await planDispatch(tx, {
      id,
      label: 'Bench',
      lane,
      exercise: false,
      expiresAfterMs: 3_600_000,
      receiptAsksMs: [120_000, 300_000, 600_000, 1_800_000],
      uncertainAfterMs: 300_000,
      rounds: Array.from({ length: rounds }, (_, i) => ({
        round: i + 1,
        opensAfterMs: i * DAY_MS,
      })),
    });
    for (let from = 0; from < messages; from += ROWS_AT_ONCE)
      await insertTexts(tx, sealingKey, {
        id,
        from,
        to: Math.min(messages, from + ROWS_AT_ONCE),
        ranks,
        rounds,
      });
  });
  return id;
}

async function insertTexts(
  tx: Tx,
  sealingKey: SealingKey,
  part: { id: string; from: number; to: number; ranks: number; rounds: number },
): Promise<void> {
  const points = Array.from({ length: part.to - part.from }, (_, i) => {
    const id = newId();
    return {
      id,
      rank: ((part.from + i) % part.ranks) + 1,
      sealed: seal(sealingKey, `contact_point|${id}`, numberOf(part.from + i)),
    };
  });
  await tx.run(sql`
    insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, organisation_id,
      channel, round, rank, code, body, address_sealed)
    select kernel.uuid_v7(), ${part.id}, point.id, point.id, 'text', round, point.rank, '4821',
      ${BODY}, point.sealed
    from generate_series(1, ${part.rounds}::int) as round,
      unnest(${points.map((p) => p.id)}::uuid[], ${points.map((p) => p.sealed)}::bytea[],
      ${points.map((p) => p.rank)}::smallint[]) as point (id, sealed, rank)`);
}

/**
 * Releases it as if a second person had approved exactly this. Returns the moment just before the
 * commit was asked for, in epoch ms: what is measured from here holds the commit's own flush.
 */
export async function release(web: Database, dispatchId: string): Promise<number> {
  const hash = await web.withActor(actor, (tx) => sealDispatch(tx, dispatchId, ''));
  return await web.withActor(actor, async (tx) => {
    const approved = { hash, approvedBy: newId(), approvedAt: new Date() } as Approved;
    const released = await releaseDispatch(tx, { dispatchId, approved, alsoCovers: '' });
    if (!released.ok) throw new Error(released.message);
    return Date.now();
  });
}

/** Waits until nothing of the dispatch is ready or claimed; looks each 20 ms by two indexes. */
export async function untilSettled(
  owner: Database,
  dispatchId: string,
  timeoutMs: number,
  everyMs = 20,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (await isUnderWay(owner, dispatchId)) {
    if (performance.now() > deadline) throw new Error(`not settled within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

async function isUnderWay(owner: Database, dispatchId: string): Promise<boolean> {
  const { busy } = await owner.withActor(actor, (tx) =>
    tx.one<{ busy: boolean }>(
      sql`
      select exists (select from dispatch.message
          where dispatch_id = ${dispatchId} and channel = 'text' and state = 'ready')
        or exists (select from dispatch.message
          where state = 'claimed' and lease_until > '-infinity' and dispatch_id = ${dispatchId})
        or exists (select from dispatch.round
          where dispatch_id = ${dispatchId} and part_at is not null)
        as busy`,
    ),
  );
  return busy;
}

/** Waits until the receipt of every message of the dispatch was applied. */
export async function untilDelivered(
  owner: Database,
  dispatchId: string,
  timeoutMs: number,
  everyMs = 20,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { open } = await owner.withActor(actor, (tx) =>
      tx.one<{ open: boolean }>(sql`
        select exists (select from dispatch.message
          where dispatch_id = ${dispatchId} and state <> 'delivered') as open`),
    );
    if (!open) return;
    if (performance.now() > deadline) throw new Error('not all receipts were applied');
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export type Batches = { readonly claim: number; readonly settle: number };

/** How many rows the engine took and wrote at once, on average, from what it left behind. */
export async function readBatches(owner: Database): Promise<Batches> {
  return await owner.withActor(actor, (tx) =>
    tx.one<Batches>(sql`
      select (count(*) / count(distinct claimed_at))::int as claim,
        (count(*) / (select count(*) from audit.v_entry where action = 'messages.settled'))::int
          as settle
      from dispatch.attempt`),
  );
}

/** How many receipts shared a transaction at the door, on average. */
export async function readReceiptBatch(owner: Database): Promise<number> {
  const { batch } = await owner.withActor(actor, (tx) =>
    tx.one<{ batch: number }>(sql`
      select (count(*) / count(distinct received_at))::int as batch from dispatch.receipt_inbox`),
  );
  return batch;
}

/** How many messages of the dispatch are in each state. */
export async function readStates(
  owner: Database,
  dispatchId: string,
): Promise<Record<string, number>> {
  const rows = await owner.withActor(actor, (tx) =>
    tx.rows<{ state: string; messages: number }>(sql`
      select state, count(*) as messages from dispatch.v_message
      where dispatch_id = ${dispatchId} group by state`),
  );
  return Object.fromEntries(rows.map(({ state, messages }) => [state, messages]));
}

/** Every message of the dispatch was accepted once, or this throws: speed without that is none. */
export async function checkAllAccepted(owner: Database, dispatchId: string): Promise<void> {
  const states = await readStates(owner, dispatchId);
  if (Object.keys(states).some((state) => state !== 'accepted'))
    throw new Error(`not all accepted: ${JSON.stringify(states)}`);
}

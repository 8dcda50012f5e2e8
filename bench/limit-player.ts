/** The two halves of sending, each alone: what the engine could reach at most. */
import { Pool } from 'undici';
import type { ClientConfig } from 'pg';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { openDatabase } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { record } from '#audit/index.ts';
import { mintToken, parseNotifyKey } from '#dispatch/gateways/notify-contract.ts';
import { formatReference } from '#dispatch/model.ts';
import { claimMessages, settleMessages, type Settlement } from '#dispatch/store-send.ts';
import { BODY, numberOf, type Batches } from './scene.ts';
import { playOrders } from './player.ts';

export type HttpOrder = {
  readonly kind: 'http';
  readonly notifyUrl: string;
  readonly apiKey: string;
  readonly templateId: string;
  readonly installation: string;
  readonly texts: number;
  readonly window: number;
};

export type SqlOrder = {
  readonly kind: 'sql';
  readonly database: ClientConfig;
  readonly texts: number;
  readonly batches: Batches;
};

/** The same rows written as plainly as can be: by their ids, without asking anything. */
export type RawOrder = Omit<SqlOrder, 'kind'> & { readonly kind: 'raw' };

export type Rate = { readonly perSecond: number };
export type LimitOrder = HttpOrder | SqlOrder | RawOrder;

const plays: {
  readonly [Kind in LimitOrder['kind']]: (order: LimitOrder & { kind: Kind }) => Promise<Rate>;
} = { http: postAll, sql: claimAndSettleAll, raw: writeAll };

playOrders<LimitOrder>((order) =>
  (plays[order.kind] as (order: LimitOrder) => Promise<Rate>)(order),
);

/** Bare POSTs by one undici pool; the bodies are made before the clock starts. */
async function postAll(order: HttpOrder): Promise<Rate> {
  const { texts, window } = order;
  const bodies = Array.from({ length: texts }, (_, index) => bodyOf(order, index));
  const pool = new Pool(order.notifyUrl, { connections: window, pipelining: 1 });
  const key = parseNotifyKey(order.apiKey)!;
  const headers = () => ({
    authorization: `Bearer ${mintToken(key, Math.floor(Date.now() / 1000))}`,
    'content-type': 'application/json',
  });
  let current = headers();
  const minting = setInterval(() => (current = headers()), 1000);
  let next = 0;
  const post = async () => {
    while (next < texts) {
      const body = bodies[next++]!;
      const path = '/v2/notifications/sms';
      const answer = await pool.request({ method: 'POST', path, headers: current, body });
      await answer.body.dump();
      if (answer.statusCode !== 201) throw new Error(`answered ${answer.statusCode}`);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: window }, post));
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(minting);
  await pool.close();
  return { perSecond: texts / seconds };
}

function bodyOf({ installation, templateId }: HttpOrder, index: number): string {
  return JSON.stringify({
    phone_number: numberOf(index),
    template_id: templateId,
    personalisation: { body: BODY },
    reference: formatReference({ installation, messageId: newId(), epoch: 1, attempt: 1 }),
  });
}

/** The engine's own statements with its own batches, one after the other, and nothing between. */
async function claimAndSettleAll({ database: config, texts, batches }: SqlOrder): Promise<Rate> {
  const database = openDatabase(config, { connectionsMax: 1 });
  const owner = newId();
  const actor = system('dispatch');
  const request = { gatewayId: 'notify', channel: 'text', owner, leaseMs: 60_000 } as const;
  const startedAt = performance.now();
  let settled = 0;
  for (;;) {
    const claimed = await database.withActor(actor, (tx) =>
      claimMessages(tx, { ...request, most: batches.claim }),
    );
    if (claimed.length === 0) break;
    for (let from = 0; from < claimed.length; from += batches.settle) {
      const batch = claimed.slice(from, from + batches.settle).map(settlementOf);
      const ids = await database.withActor(actor, async (tx) => {
        const written = await settleMessages(tx, owner, batch);
        await record(tx, {
          action: 'messages.settled',
          subject: { kind: 'worker', id: owner },
          detail: { accepted: batch.length },
        });
        return written;
      });
      settled += ids.length;
    }
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await database.end();
  if (settled !== texts) throw new Error(`${settled} of ${texts} were there to claim`);
  return { perSecond: texts / seconds };
}

/** Lease, attempt, outcome and end of every ready message, in batches of known ids. */
async function writeAll({ database: config, texts, batches }: RawOrder): Promise<Rate> {
  const database = openDatabase(config, { connectionsMax: 1 });
  const owner = newId();
  const actor = system('dispatch');
  const ready = await database.withActor(actor, (tx) =>
    tx.rows<{ id: string }>(sql`select id from dispatch.message where state = 'ready' order by id`),
  );
  const startedAt = performance.now();
  for (let from = 0; from < texts; from += batches.settle) {
    const ids = ready.slice(from, from + batches.settle).map(({ id }) => id);
    await database.withActor(actor, async (tx) => {
      await tx.run(sql`
        with claimed as (
          update dispatch.message message set state = 'claimed', attempt = 1,
            gateway_id = 'notify', lease_owner = ${owner}, lease_until = now()
          from unnest(${ids}::uuid[]) as known (id) where message.id = known.id
        )
        insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner)
        select id, 1, 1, 'notify', ${owner} from unnest(${ids}::uuid[]) as known (id)`);
    });
    await database.withActor(actor, async (tx) => {
      await tx.run(sql`
        with settled as (
          update dispatch.message message set state = 'accepted', lease_owner = null,
            lease_until = null, provider_id = known.id::text, check_at = now(),
            accepted_at = now()
          from unnest(${ids}::uuid[]) as known (id) where message.id = known.id
        )
        insert into dispatch.attempt_end (message_id, epoch, number, class, provider_id)
        select id, 1, 1, 'accepted', id::text from unnest(${ids}::uuid[]) as known (id)`);
    });
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await database.end();
  if (ready.length !== texts) throw new Error(`${ready.length} of ${texts} were there to write`);
  return { perSecond: texts / seconds };
}

function settlementOf(claimed: { id: string; epoch: number; attempt: number }): Settlement {
  const { id, epoch, attempt } = claimed;
  return {
    id,
    epoch,
    attempt,
    class: 'accepted',
    code: null,
    providerId: newId(),
    againInMs: 120_000,
  };
}

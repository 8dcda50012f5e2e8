import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { Together } from './together.ts';

type Piece = { readonly id: string; readonly actor: string; readonly status?: string };

describe('work done together', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  beforeEach(async () => {
    await db.owner.withActor(system('test'), (tx) => tx.run(sql`truncate dispatch.receipt_inbox`));
  });

  /** Keeps receipts, and says of each in which transaction. */
  async function keep(tx: Tx, pieces: readonly Piece[]): Promise<string[]> {
    for (const { id, status = 'delivered' } of pieces) {
      const gatewayId = status === 'refused' ? 'nobody' : 'notify';
      await tx.run(sql`
        insert into dispatch.receipt_inbox (gateway_id, provider_id, status)
        values (${gatewayId}, ${id}, ${status}) on conflict do nothing`);
    }
    const { xid } = await tx.one<{ xid: string }>(sql`select pg_current_xact_id()::text as xid`);
    return pieces.map(() => xid);
  }

  const open = () =>
    new Together<Piece, string>({
      database: db.web,
      actorOf: ({ actor }) => ({ kind: 'system', name: actor }),
      act: keep,
    });

  async function countKept(): Promise<number> {
    const { kept } = await db.owner.withActor(system('test'), (tx) =>
      tx.one<{ kept: number }>(sql`select count(*) as kept from dispatch.receipt_inbox`),
    );
    return kept;
  }

  const pieces = (count: number, actor = 'one') =>
    Array.from({ length: count }, (_, i) => ({ id: `${actor} ${i}`, actor }));

  it('a hundred at once take few transactions, and each is kept', async () => {
    const together = open();
    const xids = await Promise.all(pieces(100).map((piece) => together.do(piece)));
    assert.equal(await countKept(), 100);
    assert.ok(new Set(xids).size <= 4, `${new Set(xids).size} transactions`);
  });

  it('one alone does not wait for others', async () => {
    const together = open();
    for (const piece of pieces(3)) await together.do(piece);
    assert.equal(await countKept(), 3);
  });

  it('one that is refused fails alone', async () => {
    const together = open();
    const bad = { id: 'bad', actor: 'one', status: 'refused' };
    const all = [...pieces(20), bad, ...pieces(20, 'two')];
    const results = await Promise.allSettled(all.map((piece) => together.do(piece)));
    const failed = results.flatMap(({ status }, i) => (status === 'rejected' ? [all[i]!.id] : []));
    assert.deepEqual(failed, ['bad']);
    assert.equal(await countKept(), 40);
  });

  it('two actors never share a transaction', async () => {
    const together = open();
    const all = [...pieces(20), ...pieces(20, 'two')];
    const xids = await Promise.all(all.map((piece) => together.do(piece)));
    const [ones, twos] = [new Set(xids.slice(0, 20)), new Set(xids.slice(20))];
    assert.ok(ones.isDisjointFrom(twos));
  });
});

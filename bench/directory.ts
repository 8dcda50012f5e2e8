/** A directory of 20,000 organisations with 100,000 contact points, unless told, by plain inserts. */
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { blindIndex, seal, type SealingKey } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import type { Database, Tx } from '#db/database.ts';
import { numberOf } from './scene.ts';

export const ORGANISATIONS = 20_000;

/** Of each organisation: where somebody stands in its order, and what he is reached by. */
export type Post = { readonly rank: number; readonly channels: readonly ('text' | 'mail')[] };

const fivePoints: readonly Post[] = [
  { rank: 1, channels: ['text', 'mail'] },
  { rank: 2, channels: ['text', 'mail'] },
  { rank: 3, channels: ['text'] },
];

export const CONTACT_POINTS =
  ORGANISATIONS * fivePoints.reduce((sum, { channels }) => sum + channels.length, 0);

export async function fillDirectory(
  owner: Database,
  key: SealingKey,
  posts: readonly Post[] = fivePoints,
  organisations = ORGANISATIONS,
): Promise<void> {
  const actor = system('bench');
  await owner.withActor(actor, (tx) =>
    tx.run(sql`
      insert into organisations.organisation (code, name, short_name, type, must_answer, source)
      select 'BENCH-' || n, 'Bench organisation ' || n, 'Bench ' || n, 'trust', true, 'csv'
      from generate_series(1, ${organisations}) n`),
  );
  for (const [index, { rank, channels }] of posts.entries())
    await owner.withActor(actor, async (tx) => {
      const name = `Post ${index + 1}`;
      await tx.run(sql`
        insert into organisations.contact (organisation_id, name, is_post, role, rank)
        select organisation.id, ${name}, true, 'on_call_it', ${rank}
        from organisations.organisation`);
      for (const channel of channels)
        await addPoints(tx, key, { channel, name, offset: index * organisations, organisations });
    });
  // As after an import some minutes ago: autovacuum has counted the rows.
  await owner.withActor(actor, (tx) =>
    tx.run(sql`
      analyze organisations.organisation, organisations.contact, organisations.contact_point,
        organisations.contact_contact_point`),
  );
}

async function addPoints(
  tx: Tx,
  key: SealingKey,
  {
    channel,
    name,
    offset,
    organisations,
  }: {
    readonly channel: 'text' | 'mail';
    readonly name: string;
    /** Of the numbers. */
    readonly offset: number;
    readonly organisations: number;
  },
): Promise<void> {
  const points = Array.from({ length: organisations }, (_, i) => {
    const id = newId();
    const number = numberOf(offset + i);
    const address = channel === 'text' ? number : `post-${number}@bench.test`;
    return {
      id,
      sealed: seal(key, `contact_point|${id}`, address),
      index: blindIndex(key.key, channel, address),
    };
  });
  await tx.run(sql`
    insert into organisations.contact_point (id, channel, address_sealed, address_index, shown)
    select point.id, ${channel}, point.sealed, point.index, '…'
    from unnest(${points.map((p) => p.id)}::uuid[], ${points.map((p) => p.sealed)}::bytea[],
      ${points.map((p) => p.index)}::bytea[]) as point (id, sealed, index)`);
  await tx.run(sql`
    insert into organisations.contact_contact_point
      (contact_id, contact_point_id, channel, position)
    select contact.id, point.id, ${channel}, 1
    from (select id, row_number() over (order by id) as n from organisations.contact
      where name = ${name}) contact
    join unnest(${points.map((p) => p.id)}::uuid[]) with ordinality as point (id, n)
      on point.n = contact.n`);
}

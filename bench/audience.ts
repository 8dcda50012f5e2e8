/** Counting an audience while somebody asks for it: 100,000 contacts, as the pages count. */
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { everybody, previewAudience, type AudienceQuestion } from '#organisations/index.ts';
import { fillDirectory } from './directory.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import type { Stage } from './stage.ts';

const TARGET_MS = 100;
const actor = system('bench');

/** What a fifth of the organisations use, and the tag of a third. */
const CITRIX = 'Citrix';
const TAG = 'stroke centre';

const narrow: AudienceQuestion = {
  ...everybody,
  types: ['trust'],
  suppliers: [CITRIX],
  mustAnswerOnly: true,
};

const questions: Readonly<Record<string, AudienceQuestion>> = {
  everybody,
  'trusts with a supplier': narrow,
  'all below one, three levels deep': { ...everybody, parents: ['BENCH-1'] },
  'ranks 1 and 2 of a tag, another audience added, one left out': {
    ...everybody,
    tags: [TAG],
    ranks: [1, 2],
    audiences: [
      { how: 'or', id: '', version: 1, name: '', question: narrow },
      { how: 'not', id: '', version: 1, name: '', question: { ...everybody, regions: ['B1'] } },
    ],
  },
};

export async function measureAudienceCount(stage: Stage, runs: number): Promise<Measurement> {
  const database = await stage.freshDatabase();
  const took = new Map<string, number[]>();
  const scans: number[] = [];
  try {
    await fillDirectory(database.owner, stage.sealingKey);
    await addMore(database.owner);
    for (let run = 0; run < runs; run += 1) {
      for (const [name, question] of Object.entries(questions)) {
        const ms = await timed(database.web, (tx) => previewAudience(tx, question));
        took.set(name, [...(took.get(name) ?? []), ms]);
      }
      scans.push(await timed(database.web, countRows));
    }
  } finally {
    await database.drop();
  }
  const medians = [...took].map(([name, all]) => ({ name, all, ms: median(all) }));
  const slowest = medians.toSorted((a, b) => b.ms - a.ms)[0]!;
  return judge({
    id: 'audience_count',
    title: `counting an audience of 20,000 organisations and 100,000 contacts: ${slowest.name}`,
    unit: 'ms',
    value: slowest.ms,
    limit: median(scans),
    limitIs: 'count(*) of the contacts of organisations that exist, nothing asked',
    target: TARGET_MS,
    better: 'less',
    runs: slowest.all,
    notes: medians.map(({ name, ms }) => `${name}: ${rounded(ms)} ms`),
  });
}

type Work = Parameters<Database['withActor']>[1];

async function timed(database: Database, work: Work): Promise<number> {
  return await database.withActor(actor, async (tx) => {
    const startedAt = performance.now();
    await work(tx);
    return performance.now() - startedAt;
  });
}

const countRows: Work = async (tx) =>
  await tx.one(sql`
    select count(*) from organisations.contact
    join organisations.v_organisation organisation
      on organisation.organisation_id = contact.organisation_id
    where contact.active`);

/** Two more contacts each; one of them shares the number of the first at every tenth. */
async function addMore(owner: Database): Promise<void> {
  await owner.withActor(actor, async (tx) => {
    await tx.run(sql`
      insert into organisations.region (code, name) values ('B1', 'North'), ('B2', 'South')`);
    await tx.run(sql`
      update organisations.organisation set
        region_code = case when hashtext(code) % 2 = 0 then 'B1' else 'B2' end,
        must_answer = hashtext(code) % 3 = 0`);
    await tx.run(sql`
      insert into organisations.contact (organisation_id, name, is_post, role, rank)
      select organisation.id, 'Post ' || rank, true, 'ciso', rank
      from organisations.organisation cross join generate_series(4, 5) rank`);
    await tx.run(sql`
      insert into organisations.contact_contact_point
        (contact_id, contact_point_id, channel, position)
      select fourth.id, link.contact_point_id, link.channel, 1
      from organisations.contact first
      join organisations.contact fourth on fourth.organisation_id = first.organisation_id
        and fourth.rank = 4
      join organisations.contact_contact_point link on link.contact_id = first.id
        and link.channel = 'text'
      where first.rank = 1 and hashtext(first.id::text) % 10 = 0`);
    await addDependencies(tx);
    await addParents(tx);
  });
  await owner.withActor(actor, (tx) =>
    tx.run(sql`
      analyze organisations.organisation, organisations.contact, organisations.contact_point,
        organisations.contact_contact_point, organisations.use, organisations.organisation_tag,
        organisations.parenthood`),
  );
}

/** One at the top, seven below it, thirty-six below those, and everybody else below one of these. */
const addParents: Work = async (tx) => {
  await tx.run(sql`
    insert into organisations.parenthood (child_id, parent_id, said_by)
    select child.id, parent.id, 'bench'
    from generate_series(2, 20000) n
    join organisations.organisation child on child.code = 'BENCH-' || n
    join organisations.organisation parent on parent.code = 'BENCH-'
      || case when n <= 8 then 1 when n <= 44 then 2 + n % 7 else 9 + n % 36 end`);
};

const addDependencies: Work = async (tx) => {
  await tx.run(sql`
    with made as (insert into organisations.supplier (name) values (${CITRIX}) returning id),
      spelled as (
        insert into organisations.supplier_spelling (key, supplier_id)
        select ${CITRIX.toLowerCase()}, made.id from made)
    insert into organisations.use (organisation_id, supplier_id, said_by, said_on, known_from,
      recorded_by, recorded_at)
    select organisation.id, made.id, 'a list', current_date, current_date, 'bench', now()
    from organisations.organisation, made where hashtext(organisation.code) % 5 = 0`);
  await tx.run(sql`
    with made as (insert into organisations.tag (name) values (${TAG}) returning id),
      spelled as (
        insert into organisations.tag_spelling (key, tag_id) select ${TAG}, made.id from made)
    insert into organisations.organisation_tag (organisation_id, tag_id, tagged_by, tagged_at)
    select organisation.id, made.id, 'bench', now()
    from organisations.organisation, made where hashtext(organisation.code) % 3 = 0`);
};

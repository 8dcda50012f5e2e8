/** What foreign keys of the links would refuse is refused by triggers, also where two meet. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Client } from 'pg';
import { system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { blindIndex } from '#kernel/sealed.ts';
import { violatedConstraint } from '#db/database.ts';
import { build, sql, type Sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { untilOneWaits } from '../../../test/support/dispatch.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';

const centre = system('test');
const NOWHERE = '01a00000-0000-7000-8000-000000000000';

let db: Clone;
/** By name of the contact, mask of the number or address, and code of the organisation. */
let ids: Readonly<Record<string, string>>;

before(async () => {
  db = await cloneDatabase();
});
after(async () => await db.drop());

const MOBILE = '07700 ···123';
const SHARED = '07700 ···124';
const LANDLINE = '02079 ···123';
/** An address that nobody has yet, as Bo has none. */
const LOOSE = 'l···@a.test';

beforeEach(async () => {
  const file = (lines: readonly string[]) => ({
    name: 'seed.csv',
    bytes: Buffer.from(`${lines.join('\n')}\n`),
  });
  const organisations = file(['code,name,type,region', 'AA-01,One,trust,RA', 'AA-02,Two,trust,RB']);
  const contacts = file([
    'organisation_code,name,role,mobile,email,landline',
    'AA-01,Sam,ciso,07700 900123,sam@a.test,020 7946 0123',
    'AA-01,Kim,ciso,07700 900124,,',
    'AA-02,Ash,ciso,07700 900124,,',
    'AA-02,Bo,ciso,,bo@a.test,',
  ]);
  await db.web.withActor(centre, async (tx) => {
    const options = { rules, secrets, startedAt: new Date() };
    assert.ok((await importOrganisations(tx, organisations, options)).ok);
    assert.ok((await importContacts(tx, contacts, options)).ok);
    await tx.run(sql`
      delete from organisations.contact_contact_point where contact_id in (
        select id from organisations.contact where name = 'Bo')`);
    await tx.run(sql`
      insert into organisations.contact_point (channel, address_sealed, address_index, shown)
      values ('mail', '', sha256('loose'), ${LOOSE})`);
    const rows = await tx.rows<{ name: string; id: string }>(sql`
      select name, id from organisations.contact
      union all select shown, id from organisations.contact_point
      union all select code, id from organisations.organisation`);
    ids = Object.fromEntries(rows.map(({ name, id }) => [name, id]));
  });
});
afterEach(async () => {
  await db.owner.withActor(centre, async (tx) => {
    for (const table of ['contact_contact_point', 'contact', 'contact_point'] as const) {
      await tx.run(sql`delete from ${named(table)}`);
    }
  });
});

function named(table: 'contact_contact_point' | 'contact' | 'contact_point'): Sql {
  return {
    contact_contact_point: sql`organisations.contact_contact_point`,
    contact: sql`organisations.contact`,
    contact_point: sql`organisations.contact_point`,
  }[table];
}

type NewLink = {
  readonly contact: string;
  readonly point: string;
  readonly channel?: string;
  readonly position?: number;
};

const insertOf = (links: readonly NewLink[]) => sql`
  insert into organisations.contact_contact_point (contact_id, contact_point_id, channel, position)
  select told.contact, told.point, told.channel, told.position
  from jsonb_to_recordset(${JSON.stringify(
    links.map((link) => ({ channel: 'text', position: 9, ...link })),
  )}::jsonb) as told (contact uuid, point uuid, channel text,
    position smallint)`;

/** The constraint that refused it; undefined where it went through. */
async function refusal(statement: Sql, actor: Actor = centre): Promise<string | undefined> {
  try {
    await db.web.withActor(actor, (tx) => tx.run(statement));
    return undefined;
  } catch (error) {
    return violatedConstraint(error) ?? String(error);
  }
}

describe('a link', () => {
  test('to a contact that is not there is refused, with the right ones of its statement', async () => {
    const right = { contact: ids['Bo']!, point: ids[MOBILE]! };
    assert.equal(
      await refusal(insertOf([right, { ...right, contact: NOWHERE }])),
      'link_of_contact',
    );
    assert.equal(await refusal(insertOf([right])), undefined);
  });

  test('to a contact point that is not there, or is of another channel, is refused', async () => {
    const contact = ids['Bo']!;
    const link = { contact, point: ids[MOBILE]! };
    assert.equal(await refusal(insertOf([{ contact, point: NOWHERE }])), 'link_of_contact_point');
    assert.equal(await refusal(insertOf([{ ...link, channel: 'mail' }])), 'link_of_contact_point');
    assert.equal(await refusal(insertOf([link])), undefined);
  });

  test('to what was deleted is refused', async () => {
    await db.owner.withActor(centre, async (tx) => {
      const gone = sql`(select id from organisations.contact where name in ('Kim', 'Ash'))`;
      await tx.run(
        sql`delete from organisations.contact_contact_point where contact_id in ${gone}`,
      );
      await tx.run(sql`delete from organisations.contact where id in ${gone}`);
      await tx.run(sql`delete from organisations.contact_point where shown = ${SHARED}`);
    });
    assert.equal(
      await refusal(insertOf([{ contact: ids['Kim']!, point: ids[MOBILE]! }])),
      'link_of_contact',
    );
    assert.equal(
      await refusal(insertOf([{ contact: ids['Bo']!, point: ids[SHARED]! }])),
      'link_of_contact_point',
    );
  });

  test('cannot be led elsewhere by whoever owns the tables', async () => {
    const move = async (set: Sql) =>
      await db.owner
        .withActor(centre, (tx) =>
          tx.run(sql`update organisations.contact_contact_point set ${set}
            where contact_id = ${ids['Sam']} and channel = 'text'`),
        )
        .then(() => undefined, violatedConstraint);
    assert.equal(await move(sql`contact_id = ${NOWHERE}`), 'link_of_contact');
    assert.equal(await move(sql`contact_point_id = ${NOWHERE}`), 'link_of_contact_point');
    assert.equal(await move(sql`channel = 'landline', position = 5`), 'link_of_contact_point');
  });
});

describe('what has links', () => {
  test('is not deleted, nor the others of the statement, until they are gone', async () => {
    const remove = (table: 'contact' | 'contact_point') =>
      refusal(sql`delete from ${named(table)}`);
    // The roles of the product may not delete contact points at all.
    const removePoints = () =>
      db.owner
        .withActor(centre, (tx) => tx.run(sql`delete from organisations.contact_point`))
        .then(() => undefined, violatedConstraint);
    assert.equal(await remove('contact'), 'link_of_contact');
    assert.equal(await removePoints(), 'link_of_contact_point');
    await db.web.withActor(centre, (tx) =>
      tx.run(sql`delete from organisations.contact_contact_point`),
    );
    assert.equal(await remove('contact'), undefined);
    assert.equal(await removePoints(), undefined);
  });

  test('keeps its key', async () => {
    const id = newId();
    assert.equal(
      await refusal(sql`update organisations.contact set id = ${id} where name = 'Sam'`),
      'link_of_contact',
    );
    for (const set of [sql`id = ${id}`, sql`channel = 'landline'`]) {
      assert.equal(
        await refusal(sql`update organisations.contact_point set ${set} where shown = ${MOBILE}`),
        'link_of_contact_point',
      );
    }
    assert.equal(await refusal(sql`update organisations.contact set rank = 2`), undefined);
  });

  test('is not deleted as of an earlier moment, when a later link would not be seen', async () => {
    await withTwo(async ([one]) => {
      await one.query('rollback; begin isolation level repeatable read');
      await assert.rejects(one.query('delete from organisations.contact'), { code: '0A000' });
    });
  });
});

/** Two transactions of the owner of the tables at once, each begun. */
async function withTwo(work: (two: readonly [Client, Client]) => Promise<void>): Promise<void> {
  const two = [new Client(db.config), new Client(db.config)] as const;
  try {
    for (const client of two) {
      await client.connect();
      await client.query("select set_config('tocsin.reach', 'centre', false)");
      await client.query('begin');
    }
    await work(two);
  } finally {
    for (const client of two) await client.end();
  }
}

const query = async (client: Client, statement: Sql) => await client.query(build(statement));

describe('where one links and the other deletes at the same time', () => {
  // Such links change no count of whom the other deletes: what holds it is the link alone.
  const parents = {
    contact: {
      link: () => insertOf([{ contact: ids['Bo']!, point: ids[LANDLINE]!, channel: 'landline' }]),
      remove: () => sql`delete from organisations.contact where id = ${ids['Bo']}`,
    },
    contact_point: {
      link: () => insertOf([{ contact: ids['Sam']!, point: ids[LOOSE]!, channel: 'mail' }]),
      remove: () => sql`delete from organisations.contact_point where id = ${ids[LOOSE]}`,
    },
  };
  for (const [table, statements] of Object.entries(parents)) {
    for (const [first, second] of [
      ['link', 'remove'],
      ['remove', 'link'],
    ] as const) {
      for (const end of ['commit', 'rollback'] as const) {
        test(`${table}: ${first} first, and ${end}`, async () => {
          await withTwo(async ([one, other]) => {
            await query(one, statements[first]());
            const waiting = query(other, statements[second]()).then(
              () => undefined,
              violatedConstraint,
            );
            await untilOneWaits(db.owner);
            await one.query(end);
            const refused = await waiting;
            assert.equal(refused, end === 'commit' ? `link_of_${table}` : undefined);
            await other.query(refused === undefined ? 'commit' : 'rollback');
          });
          assert.deepEqual(await strays(), []);
        });
      }
    }
  }
});

async function strays(): Promise<object[]> {
  return await db.owner.withActor(centre, (tx) =>
    tx.rows(sql`
      select link.contact_id, link.contact_point_id
      from organisations.contact_contact_point link
      left join organisations.contact on contact.id = link.contact_id
      left join organisations.contact_point point
        on point.id = link.contact_point_id and point.channel = link.channel
      where contact.id is null or point.id is null`),
  );
}

describe('the counts of links', () => {
  const counted = async (name: string) =>
    await db.owner.withActor(centre, (tx) =>
      tx.one<{ contacts: number; texts: number; mails: number }>(sql`
        select contacts, texts, mails from organisations.contact_point, organisations.contact
        where shown = ${name} and name = 'Bo'`),
    );

  test('are right where two give the same number, or one contact two, at the same time', async () => {
    const [bo, kim, point] = [ids['Bo']!, ids['Kim']!, ids[MOBILE]!];
    for (const [mine, theirs] of [
      [
        { contact: bo, point },
        { contact: kim, point },
      ],
      [
        { contact: bo, point: ids[LOOSE]!, channel: 'mail' },
        { contact: bo, point: ids['s···@a.test']!, channel: 'mail', position: 8 },
      ],
    ] as const) {
      await withTwo(async ([one, other]) => {
        await query(one, insertOf([mine]));
        const waiting = query(other, insertOf([theirs]));
        await untilOneWaits(db.owner);
        await one.query('commit');
        await waiting;
        await other.query('commit');
      });
    }
    assert.deepEqual(await counted(MOBILE), { contacts: 3, texts: 1, mails: 2 });
  });

  test('count those too whom a lead of one region does not see', async () => {
    const lead: Actor = {
      kind: 'person',
      id: newId(),
      name: 'Lead',
      permissions: new Set(['directory.read', 'directory.own']),
      organisationIds: [ids['AA-01']!],
      regional: new Map([['directory.read', ['RA']]]),
    };
    await db.web.withActor(lead, async (tx) => {
      const [shared] = await tx.rows<{ id: string }>(sql`
        select organisations.find_or_add_point(
          ${newId()}, 'text', '', ${sharedIndex()}, '') as id`);
      assert.equal(shared!.id, ids[SHARED]);
      await tx.run(insertOf([{ contact: ids['Sam']!, point: shared!.id }]));
      const { seen } = await tx.one<{ seen: number }>(sql`
        select count(*) as seen from organisations.contact_contact_point
        where contact_point_id = ${shared!.id}`);
      assert.equal(seen, 2, 'the lead sees its own region, before and after');
    });
    assert.equal((await counted(SHARED)).contacts, 3);
  });

  const sharedIndex = () => blindIndex(secrets.blindIndexKey, 'text', '447700900124');
});

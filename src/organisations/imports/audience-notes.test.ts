/** What the preview of a file says about saved audiences. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { saveAudience } from '../audiences/audiences.ts';
import { everybody } from '../model.ts';
import { importOrganisations } from './actions.ts';
import { listOrganisations } from '../store.ts';

const operator = system('import');
const startedAt = new Date();
const daysOn = (days: number) =>
  new Date(startedAt.getTime() + days * 86_400_000).toISOString().slice(0, 10);

const FIRST = [
  'code,name,type,region,region_name,parent,closed_on',
  'AA-1,Northmoor,trust,R1,North,,',
  'AA-2,Eastfirth,trust,R1,North,,',
  'AA-3,Mill Lane,practice,R1,North,AA-1,',
  'AA-4,Long Row,practice,R1,North,AA-1,',
  '',
].join('\n');

describe('audiences in the preview of a file', () => {
  let db: Clone;
  before(async () => {
    db = await cloneDatabase();
    await take(FIRST, false);
    await db.web.withActor(operator, async (tx) => {
      for (const [name, asked] of [
        ['Trusts', { types: ['trust'] }],
        ['Below Northmoor', { parents: ['AA-1'] }],
        ['Named', { namedOnly: true, include: ['AA-2'] }],
      ] as const)
        assert.ok(
          (
            await saveAudience(tx, {
              id: newId(),
              name,
              question: { ...everybody, ...asked },
              now: startedAt,
            })
          ).ok,
        );
    });
  });
  after(async () => await db.drop());

  const take = async (text: string, dryRun = true) => {
    const file = { name: 'file.csv', bytes: Buffer.from(text) };
    const outcome = await db.web.withActor(operator, (tx) =>
      importOrganisations(tx, file, { rules, secrets, startedAt, dryRun }),
    );
    assert.ok(outcome.ok);
    return outcome.value.notes;
  };
  const aboutAudiences = async (text: string) =>
    (await take(text)).filter((note) => note.startsWith('Audience'));

  it('says who goes out and who comes in, today and once the dates have come', async () => {
    const said = await aboutAudiences(
      [
        'code,name,type,region,parent,closed_on',
        `AA-1,Northmoor,trust,R1,,${daysOn(40)}`,
        'AA-2,Eastfirth,practice,R1,,',
        'AA-3,Mill Lane,practice,R1,AA-2,',
        'AA-5,New Road,trust,R1,,',
        '',
      ].join('\n'),
    );
    const day = new Date(`${daysOn(41)}T12:00:00Z`).toLocaleDateString('en-GB', {
      day: 'numeric',
      month: 'long',
      year: 'numeric',
    });
    assert.deepEqual(said, [
      'Audience “Below Northmoor” loses 1 today (AA-3).',
      'Audience “Trusts” loses 1 today (AA-2) and gains 1 today (AA-5).',
      `Audience “Trusts” loses 2 by ${day} (AA-1, AA-2) and gains 1 by ${day} (AA-5).`,
    ]);
  });

  it('says nothing where nobody comes or goes, and writes nothing', async () => {
    assert.deepEqual(await aboutAudiences(FIRST.replace('Long Row', 'Longer Row')), []);
    const [stored] = await db.web.withActor(operator, (tx) =>
      listOrganisations(tx, { text: 'AA-2', limit: 1 }),
    );
    assert.equal(stored!.type, 'trust');
    assert.equal(stored!.name, 'Eastfirth');
  });

  it('names ten, and counts the others', async () => {
    const many = Array.from({ length: 12 }, (_, i) => `BB-${10 + i},New ${i},trust,R1`);
    assert.deepEqual(await aboutAudiences(['code,name,type,region', ...many, ''].join('\n')), [
      'Audience “Trusts” gains 12 today (BB-10, BB-11, BB-12, BB-13, BB-14, BB-15, BB-16, BB-17, BB-18, BB-19 and 2 more).',
    ]);
  });
});

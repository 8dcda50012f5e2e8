/** `contacts` and `audiences` at a terminal: what they print, and what they leave in the audit. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { listEntries } from '#audit/index.ts';
import {
  everybody,
  importContacts,
  importOrganisations,
  saveAudience,
} from '#organisations/index.ts';
import { audiencesCommand } from './audiences.ts';
import { contactsCommand } from './contacts.ts';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { rules, secrets } from '../../test/support/directory.ts';

let db: Clone;
before(async () => {
  db = await cloneDatabase();
  const options = { rules, secrets, startedAt: new Date() };
  const file = (lines: readonly string[]) => ({
    name: 'x.csv',
    bytes: Buffer.from(`${lines.join('\n')}\n`),
  });
  await db.web.withActor(system('import'), async (tx) => {
    const organisations = ['code,name,type', 'AA-01,Northmoor,trust', 'AA-02,Empty,practice'];
    assert.ok((await importOrganisations(tx, file(organisations), options)).ok);
    const contacts = [
      'organisation_code,name,role,rank,mobile,email,active',
      'AA-01,Sam Page,ciso,2,07700 900123,sam@a.test,',
      'AA-01,Desk,on_call_it,1,07700 900124,,',
      'AA-01,Old Hand,ciso,1,07700 900125,,no',
    ];
    assert.ok((await importContacts(tx, file(contacts), options)).ok);
    const question = { ...everybody, types: ['trust'] };
    const saved = { id: newId(), name: 'All trusts', question, now: new Date() };
    assert.ok((await saveAudience(tx, saved)).ok);
  });
});
after(async () => await db.drop());

const contacts = async (...args: string[]) =>
  await ran((output) => contactsCommand({ database: db.web, secrets, model: rules }, args, output));
const audiences = async (...args: string[]) =>
  await ran((output) => audiencesCommand({ database: db.web, model: rules }, args, output));

async function looks(): Promise<readonly unknown[]> {
  const { entries } = await db.web.withActor(system('test'), (tx) =>
    listEntries(tx, { action: 'contact.looked_up' }),
  );
  return entries.map(({ detail }) => detail);
}

test('contacts are listed masked, in the order of the chain, and nothing is looked up', async () => {
  const { code, out } = await contacts('list', 'aa-01');
  assert.equal(code, 0);
  assert.match(
    out,
    /^1 {2}Desk, On-call IT {2}07700 ···124.*\n2 {2}Sam Page, CISO .*\n- {2}Old Hand/,
  );
  assert.match(out, /Old Hand, CISO {2}07700 ···125 {2}not told any more/);
  assert.doesNotMatch(out, /900123|sam@/);
  const json = JSON.parse((await contacts('list', 'AA-01', '--json')).out) as {
    contacts: { name: string }[];
  };
  assert.deepEqual(
    json.contacts.map(({ name }) => name),
    ['Desk', 'Sam Page', 'Old Hand'],
  );
  assert.match((await contacts('list', 'AA-02')).out, /Empty has no contacts/);
  const absent = await contacts('list', 'ZZ-99');
  assert.deepEqual([absent.code, absent.err], [1, 'The directory has no organisation ZZ-99.\n']);
  assert.deepEqual(await looks(), []);
});

test('one contact is shown whole, and each look is an entry that names it and no number', async () => {
  const listed = JSON.parse((await contacts('list', 'AA-01', '--json')).out) as {
    contacts: { id: string; name: string }[];
  };
  const { id } = listed.contacts.find(({ name }) => name === 'Sam Page')!;
  const { out } = await contacts('show', id);
  assert.match(out, /^Sam Page, CISO, told by rank 2\nNorthmoor \(AA-01\)\n/);
  assert.match(out, /text {6}07700 900123\nmail {6}sam@a\.test/);
  const json = JSON.parse((await contacts('show', id, '--json')).out) as { points: object[] };
  assert.deepEqual(json.points, [
    { channel: 'text', address: '07700 900123' },
    { channel: 'mail', address: 'sam@a.test' },
  ]);
  assert.deepEqual(await looks(), [{ contacts: [id] }, { contacts: [id] }]);
  for (const strange of [newId(), 'x'])
    assert.equal((await contacts('show', strange)).err, 'There is no such contact.\n');
  assert.equal((await looks()).length, 2);
});

test('audiences are listed, counted as of today and shown in words, by name or id', async () => {
  const { out } = await audiences('list');
  assert.match(out, /^All trusts {2}version 1 {2}1 organisations when saved/);
  const [listed] = JSON.parse((await audiences('list', '--json')).out) as { id: string }[];
  for (const what of ['all  TRUSTS', listed!.id])
    assert.match((await audiences('count', what)).out, /organisations +1\n.*\n +contacts +2\n/);
  const counted = JSON.parse((await audiences('count', 'All trusts', '--json')).out) as {
    contactPoints: object;
  };
  assert.deepEqual(counted.contactPoints, { text: 2, mail: 1 });
  assert.match(
    (await audiences('show', 'All trusts')).out,
    /version 1, .* by .*\n {2}Type: NHS trust/,
  );
  const absent = await audiences('show', 'Nobody');
  assert.deepEqual([absent.code, absent.err], [1, 'No audience is called ‘Nobody’.\n']);
});

test('what is not understood gets the help', async () => {
  for (const args of [[], ['list'], ['show'], ['fly', 'x'], ['list', 'a', 'b']])
    assert.match((await contacts(...args)).err, /^Usage/);
  for (const args of [[], ['count'], ['list', 'x'], ['fly', 'x']])
    assert.match((await audiences(...args)).err, /^Usage/);
  assert.equal((await contacts('--help')).code, 0);
});

/** While a legal hold stands nothing goes for its age and nobody is erased; lifted, it goes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { forgetOld } from '#dispatch/index.ts';
import { forgetImports } from '#organisations/index.ts';
import {
  deliverRounds,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
} from '../../test/support/centre.ts';
import type { Centre } from '../../test/support/centre.ts';
import { ran } from '../../test/support/command.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { dataSubjectCommand } from './data-subject.ts';
import { legalHoldCommand } from './legal-hold.ts';

const DAY_MS = 86_400_000;
const by = ['--by', 'ann.keeper@centre.test'];
const put = ['put', ...by, '--reason', 'Inquiry 12', '--review', '2099-01-01'];

let centre: Centre;
before(async () => {
  centre = await openCentre();
  await centre.invite('Ann Keeper', ['administrator']);
  await seedNotify(centre.db.worker);
  const { dispatchId } = await releaseAlert(centre);
  await deliverRounds(centre, dispatchId);
  await textFrom(centre, numbers.eastvale, 'hello');
  await own(sql`update dispatch.dispatch set state = 'done', ended_at = now() - interval '90 days'
    where id = ${dispatchId}`);
  await own(sql`update dispatch.reply_inbox set received_at = now() - interval '90 days'`);
});
after(() => centre.close());

const own = (statement: ReturnType<typeof sql>) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
const hold = (...args: string[]) =>
  ran((output) => legalHoldCommand({ database: centre.db.web, model: centre.model }, args, output));
const sweep = async () => {
  const rule = { messagesMs: 60 * DAY_MS, inboxMs: 60 * DAY_MS };
  const gone = await forgetOld(centre.db.worker, rule, { pauseMs: 0 });
  const later = new Date(Date.now() + 90 * DAY_MS);
  await forgetImports(centre.db.worker, { importsMs: DAY_MS, now: later });
  return gone;
};
const images = async () => await own(sql`select 1 from organisations.import_image`);
const erase = () => {
  const { db, model, product } = centre;
  const { seals } = product;
  const context = { database: db.web, owner: db.owner, model, seals };
  const who = ['--person', 'Ada Okafor', '--number', '07700 900201', '--yes'];
  return ran((output) => dataSubjectCommand(context, ['erase', ...by, ...who], output));
};

test('who may puts it, with a reason and a day to look at it', async () => {
  assert.match((await hold('status')).out, /No legal hold stands/);
  assert.equal((await hold('put', ...by, '--reason', 'x')).code, 2);
  for (const day of ['2020-01-01', '2099-02-30', '2099-13-01', '99999-01-01'])
    assert.equal((await hold('put', ...by, '--reason', 'x', '--review', day)).code, 2, day);
  assert.equal((await hold('put', ...by, '--review', '2099-01-01')).code, 2);
  const officer = ['--by', 'amara.osei@centre.test', '--reason', 'x', '--review', '2099-01-01'];
  assert.equal((await hold('put', ...officer)).code, 1);
  assert.match((await hold(...put)).out, /by Ann Keeper: Inquiry 12\n.*looked at by 2099-01-01/);
  assert.equal((await hold(...put)).code, 1);
});

test('nothing goes while it stands; all that is due goes once it is lifted', async () => {
  const before = await images();
  assert.ok(before > 0);
  assert.deepEqual(await sweep(), { messages: 0, inbox: 0 });
  assert.equal(await images(), before);
  const refused = await erase();
  assert.equal(refused.code, 1);
  assert.match(refused.err, /A legal hold stands since .*, by Ann Keeper: Inquiry 12/);
  assert.match((await hold('lift', ...by, '--reason', 'Over')).out, /No legal hold stands/);
  assert.equal((await hold('lift', ...by, '--reason', 'Over')).code, 1);
  const gone = await sweep();
  assert.ok(gone.messages > 0 && gone.inbox > 0, JSON.stringify(gone));
  assert.equal(await images(), 0);
  const actions = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ action: string }>(sql`select action from audit.entry
      where action like 'legal_hold.%' order by at`),
  );
  assert.deepEqual(
    actions.map(({ action }) => action),
    ['legal_hold.put', 'legal_hold.lifted'],
  );
});

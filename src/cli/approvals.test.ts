import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { approve, requestApproval } from '#identity/index.ts';
import { system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { approvalsCommand } from './approvals.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { ran } from '../../test/support/command.ts';
import { openLiveSite, ORIGIN, type LiveSite } from '../../test/support/live-site.ts';

const hash = 'ab'.repeat(32);

let live: LiveSite;
before(async () => {
  live = await openLiveSite('centre.example');
});
after(() => live.close());

const run = async (...args: string[]) =>
  await ran((output) => approvalsCommand({ database: live.clone.worker }, args, output));

async function given(): Promise<string> {
  const id = await live.invite(`Approver ${newId()}`, ['approver']);
  const actor: Actor = { kind: 'person', id, name: 'x', permissions: new Set(['alert.approve']) };
  const author: Actor = {
    kind: 'person',
    id: newId(),
    name: 'y',
    permissions: new Set(['alert.write']),
  };
  const [client, device] = [await live.byLink(id), new Authenticator()];
  await live.make(client, device);
  const subject = { kind: 'alert_version', id: newId() };
  const asked = await live.clone.web.withActor(author, (tx) =>
    requestApproval(tx, { hash, subject, shapedBy: [], now: live.now() }),
  );
  assert.ok(asked.ok);
  const { told } = await live.post(client, `/approvals/${asked.value}/options`, { hash });
  const passkey = device.use(told.get, ORIGIN);
  await live.post(client, `/approvals/${asked.value}/signature`, { passkey });
  const approval = { id: asked.value, hash, now: live.now(), model: live.model };
  assert.ok((await live.clone.web.withActor(actor, (tx) => approve(tx, approval))).ok);
  return asked.value;
}

test('what was signed is checked from the database alone, and each kind of fault is named', async () => {
  assert.deepEqual(await run('verify'), {
    code: 0,
    out: '0 signed and right, 0 broken, 0 unsigned.\n',
    err: '',
  });
  const [right, changed, removed] = [await given(), await given(), await given()];
  assert.equal((await run('verify')).code, 0);
  await live.clone.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`update identity.approval_signature
        set signature = set_byte(signature, 40, get_byte(signature, 40) # 1)
      where approval_id = ${changed}`);
    await tx.run(sql`delete from identity.approval_signature where approval_id = ${removed}`);
  });
  const found = await run('verify', '--json');
  assert.equal(found.code, 1);
  assert.deepEqual(JSON.parse(found.out), { right: 1, broken: [changed], unsigned: [removed] });
  const words = (await run('verify')).out;
  assert.match(words, /^1 signed and right, 1 broken, 1 unsigned\./);
  assert.ok(words.includes(changed) && words.includes(removed) && !words.includes(right));
  assert.equal((await run()).code, 2);
  assert.equal((await run('verify', 'x')).code, 2);
  assert.equal((await run('--help')).code, 0);
});

/** Every so often a contact says that all on file is still right: by one answer, or one button. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { blindIndex } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { listEntries } from '#audit/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import {
  messagesOf,
  numbers,
  openCentre,
  tasksFor,
  textFrom,
  type Centre,
  type SentMessage,
} from '../../../test/support/centre.ts';
import { seedNotify } from '../../../test/support/dispatch.ts';
import { rulesWith } from '../../../test/support/rules.ts';
import type { PageClient } from '../../../test/support/page-client.ts';
import { findContactPointByIndex } from '../contacts/store-points.ts';
import { askPoints } from './enrol.ts';
import { claimDue } from './store-schedule.ts';

const ANSWERS = '00000000-0000-4000-8000-000000000000';
const MANAGER = 'manager@hollow.test';

describe('attestation', () => {
  let centre: Centre;
  before(async () => {
    centre = await openCentre();
    await seedNotify(centre.db.worker);
  });
  after(async () => await centre.close());

  const own = <T>(act: Parameters<typeof centre.db.owner.withActor<T>>[1]) =>
    centre.db.owner.withActor(system('test'), act);

  // Everybody is proven and has just said that all is right.
  beforeEach(async () => {
    await own(async (tx) => {
      await tx.run(sql`update organisations.contact set attested_at = now(), says_left_at = null`);
      await tx.run(sql`
        update organisations.contact_point set proven_at = now(), asked_at = null,
          asked_code = null, asked_for = null, asked_is_sent = false`);
    });
  });

  const pointOf = async (channel: 'text' | 'mail', address: string) => {
    const { blindIndexKey } = centre.product.seals.directory;
    const index = blindIndex(blindIndexKey, channel, address);
    return (await own((tx) => findContactPointByIndex(tx, channel, index)))!.id;
  };

  /** Those who are told by it said so for the last time so many days ago. */
  const lapse = async (pointId: string, days: number) =>
    await own((tx) =>
      tx.run(sql`
        update organisations.contact set attested_at = now() - ${days} * interval '1 day'
        where id in (select link.contact_id from organisations.contact_contact_point link
          where link.contact_point_id = ${pointId})`),
    );

  const attestedAt = async (pointId: string) =>
    await own((tx) =>
      tx.rows<{ isNew: boolean }>(sql`
        select contact.attested_at > now() - interval '1 hour' as is_new
        from organisations.contact
        join organisations.contact_contact_point link on link.contact_id = contact.id
        where link.contact_point_id = ${pointId}`),
    ).then((rows) => rows.map(({ isNew }) => isNew));

  /** Whose turn it is by the schedule. */
  const claims = async (
    rules: OperatingModel,
    act?: (tx: Tx, ids: string[]) => Promise<unknown>,
  ): Promise<string[]> =>
    await centre.db.worker.withActor(system('organisations'), async (tx) => {
      const { proofHoldsForMs, attestation, askingForProof } = rules;
      const ids = await claimDue(tx, {
        proofHoldsForMs,
        attestEveryMs: attestation.everyMs,
        againAfterMs: askingForProof.againAfterMs,
        most: 100,
      });
      await act?.(tx, ids);
      return ids;
    });

  /** Whom the schedule asks now; it asks them. */
  const asks = async (rules = centre.model): Promise<SentMessage[]> => {
    const before = new Set((await messagesOf(centre, ANSWERS)).map(({ id }) => id));
    await claims(rules, (tx, ids) => askPoints(tx, ids, new Date()));
    const asked = await own((tx) =>
      tx.rows<{ id: string }>(sql`
        select id from organisations.contact_point where asked_code is not null`),
    );
    for (const { id } of asked) await tasksFor(centre)['proof_asked']!({ contactPointId: id });
    return (await messagesOf(centre, ANSWERS)).filter(({ id }) => !before.has(id));
  };

  const mendList = async (): Promise<PageClient> => {
    const officer = centre.visit(centre.officer);
    await officer.get('/organisations/mend/people?kind=lapsed');
    return officer;
  };

  const visitor = () => centre.site.visitor();

  it('whoever has not said so for so many days of the operating model is to be mended', async () => {
    const point = await pointOf('text', numbers.northmoor);
    await lapse(point, 179);
    assert.match((await mendList()).page.text, /Nothing to mend here/);
    assert.deepEqual(await asks(), []);
    await lapse(point, 181);
    assert.match((await mendList()).page.text, /Ada Okafor.*Still right\?.*said so too long ago/s);
    assert.deepEqual(await asks(rulesWith(['every: P180D', 'every: P200D'])), []);
  });

  it('a proof that is older than the operating model says is asked for again', async () => {
    const point = await pointOf('text', numbers.northmoor);
    await lapse(point, 9);
    await own((tx) =>
      tx.run(sql`update organisations.contact_point set proven_at = now() - interval '9 days'
        where id = ${point}`),
    );
    assert.deepEqual(await claims(centre.model), []);
    const shorter = rulesWith(['proof_holds_for: P180D', 'proof_holds_for: P8D']);
    assert.deepEqual(await claims(shorter), [point]);
  });

  it('one text asks, one answer says it, and nobody gets a mail beside it', async () => {
    const point = await pointOf('text', numbers.northmoor);
    await lapse(point, 200);
    const sent = await asks();
    assert.deepEqual(
      sent.map(({ number }) => number),
      [numbers.northmoor],
    );
    assert.match(sent[0]!.body, /Northmoor has this phone on its alert list\. Still right\?/);
    assert.deepEqual(await asks(), [], 'not again on the next day');
    await textFrom(centre, numbers.northmoor, sent[0]!.code);
    assert.deepEqual(await attestedAt(point), [true]);
    const thanks = (await messagesOf(centre, ANSWERS)).find(({ body }) =>
      /written down/.test(body),
    );
    assert.match(thanks!.body, /still right for Northmoor/);
    assert.match((await mendList()).page.text, /Nothing to mend here/);
    const { entries } = await own((tx) =>
      listEntries(tx, { action: 'contact.attested', limit: 1 }),
    );
    assert.equal((entries[0]!.detail as { by: string }).by, 'answer');
  });

  it('a text that is not answered is followed by a mail, weeks later', async () => {
    const point = await pointOf('text', numbers.northmoor);
    await lapse(point, 200);
    assert.equal((await asks())[0]!.channel, 'text');
    await own((tx) =>
      tx.run(sql`update organisations.contact_point set asked_at = asked_at - interval '15 days'
        where id = ${point}`),
    );
    const [next, ...more] = await asks();
    assert.deepEqual([next!.channel, next!.number, more.length], ['mail', 'ada@northmoor.test', 0]);
  });

  it('a shared number answers for all who share it, but for whoever says they have left', async () => {
    const point = await pointOf('text', numbers.sharedOnCall);
    await lapse(point, 200);
    await own((tx) =>
      tx.run(sql`update organisations.contact set says_left_at = now() where id = (
        select link.contact_id from organisations.contact_contact_point link
        where link.contact_point_id = ${point} limit 1)`),
    );
    const [sent] = await asks();
    assert.match(sent!.body, /\+1 has this phone/);
    await textFrom(centre, numbers.sharedOnCall, sent!.code);
    assert.deepEqual((await attestedAt(point)).filter(Boolean), [true]);
  });

  it('the link of a mail shows what is on file; only its button says that it is right', async () => {
    const point = await pointOf('mail', MANAGER);
    await lapse(point, 200);
    await own((tx) =>
      tx.run(sql`update organisations.contact_point set proven_at = now() - interval '9 days'
        where id = ${point}`),
    );
    const [mail] = await asks();
    assert.match(mail!.subject ?? '', /is this still right\?/);
    const [link = ''] = /\/still-right\/[^\s]+/.exec(mail!.body) ?? [];
    const scanner = visitor();
    for (let i = 0; i < 3; i += 1) await scanner.get(link);
    await scanner.request('HEAD', link);
    assert.deepEqual(await attestedAt(point), [false], 'opening it says nothing');
    // As those that fill in forms do: nothing, zeros, what stands in the address, a guess.
    for (const code of ['', '000000', '123456', link.slice(-6), mail!.code]) {
      await scanner.get(link);
      const { text } = await scanner.submit('Still right', { code }, { status: 422 });
      assert.match(text, /Enter the six digits of the mail/);
    }
    assert.deepEqual(await attestedAt(point), [false], 'nor does the button alone');
    const manager = visitor();
    const { text, body } = await manager.get(link);
    assert.match(text, /Is this still right\?.*Manager.*Hollow Lane Surgery.*Practice manager/s);
    assert.ok(!body.includes(MANAGER), 'masked');
    const [, code = ''] = /type (\d{6}) there/.exec(mail!.body) ?? [];
    assert.ok(!link.includes(code), 'the link does not have it');
    const done = await manager.submit('Still right', {
      code: `${code.slice(0, 3)} ${code.slice(3)}`,
    });
    assert.match(done.text, /It is written down/);
    assert.deepEqual(await attestedAt(point), [true]);
    const proven = await own((tx) =>
      tx.one<{ isNew: boolean }>(sql`select proven_at > now() - interval '1 hour' as is_new
        from organisations.contact_point where id = ${point}`),
    );
    assert.equal(proven.isNew, true, 'whoever types what stood in the mail has had it');
    const again = await manager.get(link, { status: 409 });
    assert.match(again.text, /used already.*If you have pressed the button, all is well/);
  });

  it('no other link opens anything: not a guessed one, not one of an earlier mail', async () => {
    const point = await pointOf('mail', MANAGER);
    await lapse(point, 200);
    const [mail] = await asks();
    const [link = ''] = /\/still-right\/[^\s]+/.exec(mail!.body) ?? [];
    const guest = visitor();
    await guest.get(`${link.slice(0, -2)}zz`, { status: 409 });
    await guest.get(`/still-right/${await pointOf('text', numbers.northmoor)}/x`, { status: 409 });
    const open = visitor();
    await open.get(link);
    await own((tx) =>
      tx.run(sql`update organisations.contact_point set asked_at = asked_at - interval '15 days'
        where id = ${point}`),
    );
    assert.equal((await asks()).length, 1);
    await guest.get(link, { status: 409 });
    await open.submit('Still right', {}, { status: 409 });
    assert.deepEqual(await attestedAt(point), [false]);
  });

  it('whoever was never proven is asked for that first, which attests nothing', async () => {
    const point = await pointOf('text', numbers.southmere);
    await lapse(point, 200);
    await own((tx) =>
      tx.run(sql`update organisations.contact_point set proven_at = null where id = ${point}`),
    );
    const sent = (await asks()).filter(({ number }) => number === numbers.southmere);
    assert.match(sent[0]!.body, /Please reply \d{4},/);
    await textFrom(centre, numbers.southmere, sent[0]!.code);
    assert.deepEqual(await attestedAt(point), [false]);
  });
});

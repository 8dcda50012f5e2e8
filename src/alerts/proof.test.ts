/**
 * What the worker asks before it sends (P5): each kind of dispatch has its rule, and what a hostile
 * web process could write with its own rights proves nothing.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { hashContent, sealDispatch } from '#dispatch/index.ts';
import { endRole, giveRole, ofCentre, setActive } from '#identity/index.ts';
import { everybody, findAudience, saveAudience } from '#organisations/index.ts';
import {
  contextOf,
  draftAlert,
  must,
  openCentre,
  releaseAlert,
  releaseVersion,
  submitDraft,
  type Centre,
  type Person,
} from '../../test/support/centre.ts';
import { withoutGuards } from '../../test/support/database.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { releaseAlone } from './alone/alone.ts';
import {
  approveAndRelease,
  closeAndTell,
  findSubmission,
  findVersion,
  withdrawReleased,
} from './index.ts';
import { proveDispatch } from './proof.ts';
import { alsoCoveredBy } from './submit.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(() => centre.close());

/** As the worker asks, with its rights; "yes, as …" or why not. */
async function proven(dispatchId: string): Promise<string> {
  const { passkeyDomain } = centre.product;
  const context = { ...contextOf(centre), passkeyDomain };
  const proof = await centre.db.worker.withActor(system('dispatch'), (tx) =>
    proveDispatch(tx, context, dispatchId),
  );
  return proof.holds ? `yes, as ${proof.by.part}${proof.by.isAlone ? ', alone' : ''}` : proof.why;
}

const asOwner = <T>(work: (tx: Tx) => Promise<T>) =>
  centre.db.owner.withActor(system('test'), work);
/** Whoever controls the web process: its rights, and whichever actor it likes to name. */
const asHostile = <T>(work: (tx: Tx) => Promise<T>) =>
  centre.db.web.withActor(centre.approver, work);

async function newest(alertId: string) {
  return await asOwner(async (tx) => {
    const version = (await findVersion(tx, alertId))!;
    return { version, submission: (await findSubmission(tx, version.id))! };
  });
}

describe('what two people let go', () => {
  it('holds: an alert, also after its rounds opened and messages were called off', async () => {
    const { dispatchId } = await releaseAlert(centre);
    assert.equal(await proven(dispatchId), 'yes, as first');
    await asOwner((tx) =>
      tx.run(sql`update dispatch.message set state = 'cancelled', final_at = now()
        where dispatch_id = ${dispatchId} and round > 1`),
    );
    await asOwner((tx) =>
      tx.run(sql`update dispatch.dispatch set quiet_from_minute = 60, quiet_until_minute = 120
        where id = ${dispatchId}`),
    );
    assert.equal(await proven(dispatchId), 'yes, as first', 'it was moved to other rules');
  });

  it('holds: a correction, its text and the alert for whoever had nothing', async () => {
    const { alertId } = await releaseAlert(centre);
    await releaseVersion(centre, alertId, 'correction', { ifActed: 'Reconnect.' });
    const { submission } = await newest(alertId);
    assert.equal(await proven(submission.correctionDispatchId!), 'yes, as following');
    assert.equal(await proven(submission.dispatchId), 'yes, as first');
  });

  it('holds: an alert to an audience that a program saved, as the command line does', async () => {
    const saved = { id: newId(), name: 'Of a file', question: everybody, now: new Date() };
    must(await centre.db.web.attempt(system('cli'), (tx) => saveAudience(tx, saved)));
    const { id, name, question } = saved;
    const audiences = [{ id, version: 1, how: 'and' as const, name, question }];
    const { dispatchId } = await releaseAlert(centre, {}, { audiences });
    assert.equal(await proven(dispatchId), 'yes, as first');
  });

  it('does not hold for one other word, code, number, reader, or word of the page', async () => {
    const { dispatchId, alertId } = await releaseAlert(centre);
    const { version, submission } = await newest(alertId);
    const one = sql`where id = (select id from dispatch.message
      where dispatch_id = ${dispatchId} order by id limit 1)`;
    const changes = [
      sql`update dispatch.message set body = body || ' ' ${one}`,
      sql`update dispatch.message set code = '0001' ${one}`,
      sql`update dispatch.message set contact_point_id = ${newId()} ${one}`,
      sql`update dispatch.message set address_sealed = 'another' ${one}`,
      sql`delete from alerts.recipient where submission_id = ${submission.id}`,
      sql`update alerts.submission set along = '{"withdrawal":{},"closing":{}}'
        where id = ${submission.id}`,
    ];
    for (const change of changes)
      assert.match(await provenAfter(dispatchId, change), /not what was approved/);
    const words = sql`
      update alerts.words set body = 'Call this number' where version_id = ${version.id}`;
    await assert.rejects(
      asHostile((tx) => tx.run(words)),
      /only the words of a draft/,
    );
  });

  it('does not hold where the approver had a hand in it, may not, or left', async () => {
    const { dispatchId, alertId } = await releaseAlert(centre);
    const { version } = await newest(alertId);
    const { id } = centre.approver;
    const hand = sql`insert into alerts.editor (version_id, person_id, parts)
      values (${version.id}, ${id}, '{}')`;
    assert.match(await provenAfter(dispatchId, hand), /had a hand in it/);
    const asked = sql`update alerts.submission set submitted_by = ${id}
      where version_id = ${version.id}`;
    assert.match(await provenAfter(dispatchId, asked), /had a hand in it/);
    const ended = sql`update identity.role_grant set ended_at = now(), ended_by = 'test'
      where person_id = ${id}`;
    assert.match(await provenAfter(dispatchId, ended), /may not do so/);
    const left = sql`update identity.person set active = false where id = ${id}`;
    assert.match(await provenAfter(dispatchId, left), /may not do so/);
    const appointed = sql`update identity.role_grant set given_by = ${centre.officer.id}
      where person_id = ${id}`;
    assert.match(await provenAfter(dispatchId, appointed), /let in, or given the right/);
    assert.equal(await proven(dispatchId), 'yes, as first');
  });

  it('does not hold where whoever submitted it left, or lost the role', async () => {
    const { dispatchId } = await releaseAlert(centre);
    const { id } = centre.officer;
    const ended = sql`update identity.role_grant set ended_at = now(), ended_by = 'test'
      where person_id = ${id}`;
    assert.match(await provenAfter(dispatchId, ended), /who asked for it may not do so/);
    const left = sql`update identity.person set active = false where id = ${id}`;
    assert.match(await provenAfter(dispatchId, left), /who asked for it may not do so/);
  });
});

it('whoever saved the audience, or one that it is made of, had a hand in what goes to it', async () => {
  const save = async (name: string, by: Person, asked: object) => {
    const id = newId();
    const question = { ...everybody, ...asked };
    must(
      await centre.db.web.attempt(by, (tx) =>
        saveAudience(tx, { id, name, question, now: new Date() }),
      ),
    );
    const saved = (await asOwner((tx) => findAudience(tx, id)))!;
    return [{ id, version: saved.version, how: 'and' as const, name, question: saved.question }];
  };
  const nora = await centre.invite('Nora Falk', ['duty_officer', 'approver']);
  const inner = await save('Whom Nora saved', nora, { regions: ['RA'] });
  const outer = await save('Whom Amara saved', centre.officer, { audiences: inner });
  const mia = await centre.invite('Mia Berg', ['approver']);
  const alertId = await draftAlert(centre, {}, { audiences: outer });
  const hash = await submitDraft(centre, alertId);
  const decide = (by: Person) =>
    centre.db.web.attempt(by, (tx) =>
      approveAndRelease(tx, contextOf(centre), { alertId, hash, now: new Date() }),
    );
  const page = await centre.visit(nora).get(`/alerts/${alertId}`);
  assert.match(page.text, /You shaped this, or whom it goes to/);
  const refused = await decide(nora);
  assert.ok(!refused.ok && /You shaped a part of this/.test(refused.message));
  must(await decide(mia));
  const { submission } = await newest(alertId);
  assert.equal(await proven(submission.dispatchId), 'yes, as first');
  // Nor where the list of hands that was written with the request had left them out.
  const swapped = sql`update identity.approval set shaped_by = '{}',
    approved_by = ${nora.id} where id = ${submission.approvalId}`;
  assert.match(await provenAfter(submission.dispatchId, swapped), /had a hand in it/);
});

it('whoever submitted it and was locked out since, or lost the role, has asked for nothing', async () => {
  const alertId = await draftAlert(centre);
  const hash = await submitDraft(centre, alertId);
  const { id: personId } = centre.officer;
  const decide = (tx: Tx) =>
    approveAndRelease(tx, contextOf(centre), { alertId, hash, now: new Date() });
  const held = { personId, role: 'duty_officer', ...ofCentre };
  const now = new Date();
  const by = system('test');
  const taken: [(tx: Tx) => Promise<unknown>, (tx: Tx) => Promise<unknown>][] = [
    [
      (tx) => setActive(tx, { personId, active: false }, { now }),
      (tx) => setActive(tx, { personId, active: true }, { now }),
    ],
    [
      (tx) => endRole(tx, held, { now }),
      (tx) => giveRole(tx, held, { model: centre.model, now: new Date() }),
    ],
  ];
  for (const [take, giveBack] of taken) {
    await centre.db.web.withActor(by, take);
    const refused = await centre.db.web.attempt(centre.approver, decide);
    assert.ok(!refused.ok && /asked for this may not do so any more/.test(refused.message));
    await centre.db.web.withActor(by, giveBack);
  }
  must(await centre.db.web.attempt(centre.approver, decide));
});

describe('what ends an alert', () => {
  it('holds: a withdrawal, also before anything of the alert was looked at', async () => {
    const { alertId } = await told();
    must(await centre.db.web.attempt(centre.officer, (tx) => withdraw(tx, alertId)));
    const { submission } = await newest(alertId);
    assert.equal(await proven(submission.dispatchId), 'yes, as ending');
  });

  it('holds: that it is over; and nothing else may be said, nor to anybody else', async () => {
    const { alertId } = await told();
    const context = contextOf(centre);
    const close = (tx: Tx) => closeAndTell(tx, context, alertId);
    must(await centre.db.web.attempt(centre.officer, close));
    const { closing } = await asOwner((tx) =>
      tx.one<{ closing: string }>(sql`select closing_dispatch_id as closing from alerts.submission
        join alerts.version on version.id = submission.version_id
        where version.alert_id = ${alertId}`),
    );
    assert.equal(await proven(closing), 'yes, as ending');
    const other = sql`update dispatch.message set body = body || ' Call 0900 1'
      where dispatch_id = ${closing}`;
    assert.match(await provenAfter(closing, other), /not those that were approved along/);
    const stranger = sql`update dispatch.message set contact_point_id = ${newId()}
      where id = (select id from dispatch.message where dispatch_id = ${closing} limit 1)`;
    assert.match(await provenAfter(closing, stranger), /never told/);
  });
});

describe('what one person let go', () => {
  it('holds for a saved text, as often as the rules have it', async () => {
    const ids = [await alone(centre.officer), await alone(centre.officer)];
    for (const id of ids) assert.equal(await proven(id), 'yes, as first, alone');
    const [first, second] = ids as [string, string];
    await asOwner((tx) =>
      tx.run(sql`insert into dispatch.proof (dispatch_id, approval_id, part, is_alone)
        select id, gen_random_uuid(), 'first', true from dispatch.dispatch
        where state = 'sending' and id <> ${first} order by id = ${second} desc
        limit ${centre.model.holding.alone!.most}`),
    );
    assert.match(await proven(first), /as many went with one person/);
    await asOwner((tx) => tx.run(sql`delete from dispatch.proof`));
    const forgotten = sql`delete from alerts.alone`;
    assert.match(await provenAfter(first, forgotten), /nobody is asked to look/);
  });

  it('does not hold for words that are not the saved ones, whatever was signed', async () => {
    const dispatchId = await alone(centre.officer);
    // The hash fits: it was made, and in a live installation signed, over these words.
    const shown = await undone(async (tx) => {
      await tx.run(sql`update dispatch.message set body = 'Pay here' where
        dispatch_id = ${dispatchId}`);
      return await refit(tx, dispatchId);
    });
    assert.match(shown, /its words are not the saved ones/);
  });
});

describe('what nobody approved', () => {
  it('proves nothing: a dispatch of the web process with words of its own', async () => {
    const { alertId } = await releaseAlert(centre);
    const { version, submission } = await newest(alertId);
    const dispatchId = newId();
    await asHostile(async (tx) => {
      await tx.run(sql`
        insert into dispatch.dispatch (id, label, lane, exercise, expires_after, recall_for,
          receipt_asks_ms, uncertain_after)
        values (${dispatchId}, 'Alert 4901', 1, false, '1 hour', '0', '{60000}', '1 hour')`);
      await tx.run(sql`
        insert into dispatch.v_in_recipient (dispatch_id, contact_point_id, organisation_id,
          channel, round, rank, code, body, address_sealed)
        select ${dispatchId}, contact_point_id, organisation_id, channel, round, rank, code,
          'Call 0900 1 now', address_sealed
        from dispatch.message where dispatch_id = ${submission.dispatchId}`);
      await sealDispatch(tx, dispatchId, '');
      await tx.run(sql`update dispatch.dispatch set state = 'sending', released_at = now()
        where id = ${dispatchId}`);
    });
    assert.equal(await proven(dispatchId), 'no alert was released as it.');
    // Nor by the approval that it finds: the hash is made of what would be sent.
    const named = sql`update alerts.submission set dispatch_id = ${dispatchId}
      where version_id = ${version.id}`;
    assert.match(await provenAfter(dispatchId, named), /not what was approved/);
    const over = sql`update alerts.submission set closing_dispatch_id = ${dispatchId}
      where version_id = ${version.id}`;
    assert.match(await provenAfter(dispatchId, over), /not those that were approved along/);
  });

  it('the web process may not say that it was proved, change words, or hold it again', async () => {
    const { dispatchId } = await releaseAlert(centre);
    const denied = /permission denied/;
    const refused: [ReturnType<typeof sql>, RegExp][] = [
      [
        sql`insert into dispatch.proof (dispatch_id, approval_id, part, is_alone)
          values (${dispatchId}, ${newId()}, 'first', false)`,
        denied,
      ],
      [sql`update dispatch.message set body = 'x' where dispatch_id = ${dispatchId}`, denied],
      [
        sql`update dispatch.dispatch set state = 'held', released_at = null
          where id = ${dispatchId}`,
        /is not held again/,
      ],
      [
        sql`insert into dispatch.dispatch (id, label, lane, exercise, expires_after, recall_for,
            receipt_asks_ms, uncertain_after)
          values (${newId()}, 'Answers', 0, false, '1 hour', '0', '{60000}', '1 hour')`,
        /dispatch_single_lane/,
      ],
      [
        sql`insert into dispatch.v_in_recipient (dispatch_id, contact_point_id, channel, round,
            rank, code, body, address_sealed)
          values (${dispatchId}, ${newId()}, 'text', 1, 1, '4821', 'x', 'x')`,
        /added only to a dispatch that is held/,
      ],
    ];
    for (const [statement, why] of refused)
      await assert.rejects(
        asHostile((tx) => tx.run(statement)),
        why,
      );
  });
});

/** What the worker would say after this change, which leaves no trace. */
async function provenAfter(dispatchId: string, change: ReturnType<typeof sql>): Promise<string> {
  return await undone(async (tx) => {
    await tx.run(change);
    return await within(tx, dispatchId);
  });
}

/** As whoever owns the tables, whom no guard stops; and taken back. */
async function undone(work: (tx: Tx) => Promise<string>): Promise<string> {
  const undo = new Error('undone on purpose');
  let said = '';
  try {
    await asOwner(async (tx) => {
      await withoutGuards(tx);
      said = await work(tx);
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw error;
  }
  return said;
}

async function within(tx: Tx, dispatchId: string): Promise<string> {
  const { passkeyDomain } = centre.product;
  const proof = await proveDispatch(tx, { ...contextOf(centre), passkeyDomain }, dispatchId);
  return proof.holds ? 'yes' : proof.why;
}

/** Approval and submission as if this had been shown from the beginning. */
async function refit(tx: Tx, dispatchId: string): Promise<string> {
  const before = await within(tx, dispatchId);
  assert.match(before, /not what was approved/);
  const { alertId } = await tx.one<{ alertId: string }>(sql`
    select version.alert_id from alerts.submission
    join alerts.version on version.id = submission.version_id
    where submission.dispatch_id = ${dispatchId}`);
  const version = (await findVersion(tx, alertId))!;
  const submission = (await findSubmission(tx, version.id))!;
  const covers = await alsoCoveredBy(tx, version, submission);
  const { hash } = await hashContent(tx, dispatchId, covers);
  await tx.run(sql`update identity.approval set hash = ${hash}
    where id = ${submission.approvalId}`);
  return await within(tx, dispatchId);
}

async function told() {
  const out = await releaseAlert(centre);
  await asOwner((tx) =>
    tx.run(sql`update dispatch.message set state = 'delivered', attempt = 1, accepted_at = now(),
      final_at = now() where dispatch_id = ${out.dispatchId} and state = 'ready'`),
  );
  return out;
}

async function withdraw(tx: Tx, alertId: string) {
  const asked = { alertId, reason: 'false alarm' };
  return await withdrawReleased(tx, contextOf(centre), asked);
}

async function alone(by: Person): Promise<string> {
  const page = centre.visit(by);
  await page.get('/alerts/holding');
  const { path } = await page.submit('Submit for approval', {});
  const alertId = path.split('/')[2]!;
  const { submission } = await newest(alertId);
  // How many is not what is tried here.
  await asOwner((tx) => tx.run(sql`update alerts.alone set at = at - interval '1 year'`));
  must(
    await centre.db.web.attempt(by, (tx) =>
      releaseAlone(tx, contextOf(centre), {
        alertId,
        hash: submission.contentHash,
        organisations: 4,
        now: new Date(),
      }),
    ),
  );
  return submission.dispatchId;
}

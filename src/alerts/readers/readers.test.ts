/** Words for readers of another kind: in texts of every round, of updates and corrections. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { innerText } from 'domutils';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import {
  contextOf,
  deliverAll,
  draftAlert,
  messagesOf,
  must,
  numbers,
  openCentre,
  releaseAlert,
  releaseVersion,
  submitDraft,
  wording,
  type Centre,
} from '../../../test/support/centre.ts';
import { dryRun } from '../dry-run.ts';
import { findSubmission, findVersion } from '../index.ts';
import { canonicalWording } from '../model.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  // Ada reads as a manager; the shared on-call number is known as one of Northmoor alone.
  await readsAs('Ada Okafor', 'manager');
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      update organisations.contact set reader_kind = 'manager'
      from organisations.organisation
      where organisation.id = contact.organisation_id and organisation.code = 'ZZ-0001'
        and contact.name = 'On-call IT'`),
  );
});

after(async () => {
  await centre.close();
});

const readsAs = async (name: string, kind: string) =>
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update organisations.contact set reader_kind = ${kind} where name = ${name}`),
  );

const plain = {
  manager: {
    what: 'an attack by remote access',
    doNow: 'Let your IT lead cut it off.',
    ifActed: '',
  },
};

const textsTo = async (dispatchId: string, number: string) =>
  (await messagesOf(centre, dispatchId)).filter(
    (one) => one.channel === 'text' && one.number === number,
  );

const frozenOf = async (alertId: string) =>
  await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = (await findVersion(tx, alertId))!;
    return (await findSubmission(tx, version.id))!;
  });

describe('in the texts that are frozen', () => {
  it('managers get their words, others the general ones, and mails say all', async () => {
    const { dispatchId } = await releaseAlert(centre, { readerWords: plain });
    const [ada] = await textsTo(dispatchId, numbers.northmoor);
    assert.match(ada!.body, /^NHS CYBER \d+ CRITICAL, Northmoor: an attack by remote access\. Let/);
    assert.match(ada!.body, new RegExp(`Reply ${ada!.code}=got it`));
    const [ben] = await textsTo(dispatchId, numbers.southmere);
    assert.match(ben!.body, /Southmere: ransomware via Citrix\. Isolate Citrix gateways now/);
    for (const { channel, body } of await messagesOf(centre, dispatchId))
      if (channel === 'mail') assert.match(body, /ransomware via Citrix/);
  });

  it('a number that is also of somebody without words of their own gets the general text', async () => {
    const { dispatchId } = await releaseAlert(centre, { readerWords: plain });
    const [shared, ...more] = await textsTo(dispatchId, numbers.sharedOnCall);
    assert.equal(more.length, 0);
    assert.match(shared!.body, /Northmoor \+1: unanswered .* Isolate Citrix gateways now/);
  });

  it('later rounds say what to do in their words too', async () => {
    await readsAs('On-call IT', 'manager');
    try {
      const { dispatchId } = await releaseAlert(centre, { readerWords: plain });
      const [shared] = await textsTo(dispatchId, numbers.sharedOnCall);
      assert.match(shared!.body, /Northmoor \+1: unanswered .* Let your IT lead cut it off/);
      assert.doesNotMatch(shared!.body, /Isolate/);
    } finally {
      await centre.db.owner.withActor(system('test'), (tx) =>
        tx.run(sql`
          update organisations.contact set reader_kind = 'technical'
          from organisations.organisation
          where organisation.id = contact.organisation_id and organisation.code = 'ZZ-0002'
            and contact.name = 'On-call IT'`),
      );
    }
  });

  it('above the ceiling for texts it is not submitted with them (P8)', async () => {
    const alertId = await draftAlert(centre, { marking: 'AMBER', readerWords: plain });
    const page = await centre.visit(centre.officer).get(`/alerts/${alertId}`);
    const href = `/alerts/${alertId}/edit#readerWords.manager.what`;
    assert.ok(page.body.includes(`href="${href}">A text may not carry what is marked AMBER`));
  });
});

describe('in what follows', () => {
  it('an update and a correction are told in the words of that version', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre, { readerWords: plain });
    await deliverAll(centre, dispatchId);
    await releaseVersion(centre, alertId, 'update', { notKnown: '', asksAgain: false });
    const update = await frozenOf(alertId);
    const [old] = await textsTo(update.correctionDispatchId!, numbers.northmoor);
    // Said anew with each version: words that nobody looked at again might be wrong by now.
    assert.match(old!.body, /UPDATE, Northmoor: ransomware via Citrix\. Isolate/);
    await deliverAll(centre, update.correctionDispatchId!);
    await releaseVersion(centre, alertId, 'correction', {
      doNow: 'Do NOT isolate Citrix.',
      ifActed: 'If you did, reconnect.',
      readerWords: {
        manager: { what: '', doNow: 'Let it stay on.', ifActed: 'If it is off, put it on again.' },
      },
    });
    const correction = (await frozenOf(alertId)).correctionDispatchId!;
    const [ada] = await textsTo(correction, numbers.northmoor);
    assert.match(
      ada!.body,
      /CORRECTED, Northmoor: Let it stay on\. If it is off, put it on again\./,
    );
    const [ben] = await textsTo(correction, numbers.southmere);
    assert.match(
      ben!.body,
      /CORRECTED, Southmere: Do NOT isolate Citrix\. If you did, reconnect\./,
    );
    const page = await centre.visit(centre.officer).get(`/alerts/${alertId}/versions`);
    assert.match(page.text, /In texts to “Manager” ?New: Do now: Let it stay on\./);
  });

  it('what to do for whoever acted is of a correction alone', async () => {
    const readerWords = { manager: { what: '', doNow: '', ifActed: 'Undo it.' } };
    const alertId = await draftAlert(centre, { readerWords });
    const saved = await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId));
    assert.deepEqual(saved?.readerWords, {});
  });
});

describe('who decides sees them', () => {
  it('the hash covers each word, and the approval page shows the text as frozen', async () => {
    const seen = new Set(
      [plain, {}, { manager: { ...plain.manager, doNow: 'Else.' } }].map((readerWords) =>
        canonicalWording({ ...wording, readerWords }),
      ),
    );
    assert.equal(seen.size, 3);
    const alertId = await draftAlert(centre, { readerWords: plain });
    await submitDraft(centre, alertId);
    const page = await centre.visit(centre.approver).get(`/alerts/${alertId}`);
    assert.match(page.text, /4 must answer; 1 reads other words Leaves 3 texts, 4 mails at once/);
    assert.match(page.text, /Text, round 1, to “Manager” ?NHS CYBER/);
    assert.match(
      page.text,
      /Words for some readers “Manager”, 1 text ?NHS CYBER .*by remote access/,
    );
    assert.match(page.text, /What is said to some readers in texts ?In texts to “Manager”/);
    assert.match(page.text, /At once 3 texts, 4 mails/);
    // The general text stays the first that is shown.
    const [first] = page.elements('.tocsin-approval__phone');
    assert.match(innerText(first!), /: ransomware via Citrix\. Isolate/);
  });

  it('the dry run counts them at their length, and shows the longest of each', async () => {
    const long = 'Speak to nobody outside about it. '.repeat(4).trim();
    const readerWords = { manager: { ...plain.manager, doNow: long } };
    const alertId = await draftAlert(centre, { readerWords });
    const { rounds, longest } = await centre.db.web.withActor(centre.officer, async (tx) => {
      const version = (await findVersion(tx, alertId))!;
      return must(
        await dryRun(tx, contextOf(centre), { version, now: new Date(), page: { limit: 10 } }),
      );
    });
    assert.deepEqual(
      longest.map(({ reader, name, text }) => [reader, name, text.fragments]),
      [
        [null, 'Northmoor +1', 1],
        ['manager', 'Northmoor', 2],
      ],
    );
    const first = rounds.find(({ round, channel }) => round === 1 && channel === 'text');
    assert.deepEqual([first?.messages, first?.fragments], [3, 4]);
    const page = await centre.visit(centre.officer).get(`/alerts/${alertId}/dry-run`);
    assert.match(page.text, /To “Manager” ?NHS CYBER .* Speak to nobody/);
  });
});

describe('who writes them', () => {
  it('types them folded in the composer, sees their length, and what is wrong with them', async () => {
    const officer = centre.visit(centre.officer);
    const opened = await officer.get('/alerts/new');
    assert.match(opened.text, /Plainer words for some readers/);
    assert.equal(opened.elements('#reader-words')[0]?.attribs['open'], undefined);
    const words = {
      title: 'Plain',
      what: 'ransomware via Citrix',
      doNow: 'Isolate it.',
      'readerWords.manager.doNow': 'Ask {name} to act.',
    };
    const check = await officer.submit('/alerts/new', { ...words, next: 'check' });
    assert.match(check.text, /The text to “Manager” ?NHS CYBER .* Ask \{name\} to act\./);
    assert.match(check.text, /Fill in \{name\}/);
    const edit = `${check.path}/edit`;
    const again = await officer.get(edit);
    assert.equal(again.elements('#reader-words')[0]?.attribs['open'], '');
    const wrong = { 'readerWords.manager.doNow': 'two\nlines' };
    const refused = await officer.submit(edit, wrong, { status: 422 });
    assert.match(refused.text, /Manager: what to do must be one line/);
    const done = { 'readerWords.manager.doNow': 'Act.', next: 'check' };
    assert.match((await officer.submit(edit, done)).text, /Submit for approval/);
  });

  it('of two who save, the second sees both words beside each other', async () => {
    const alertId = await draftAlert(centre);
    const path = `/alerts/${alertId}/edit`;
    const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
    await first.get(path);
    await second.get(path);
    await first.submit(path, { 'readerWords.manager.what': 'mine' });
    const theirs = { 'readerWords.manager.what': 'yours' };
    const page = await second.submit(path, theirs, { status: 409 });
    assert.match(page.text, /Manager: what happens mine yours/);
  });
});

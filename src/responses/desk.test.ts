import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { findContactPointByIndex, listOrganisationsOfContactPoint } from '#organisations/index.ts';
import { answersAt } from '../../test/support/answers.ts';
import { must, numbers, openCentre, textFrom, type Centre } from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { takeAnswer } from './actions.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const { liveAlert, responsesTo, answersTo, deskItems, tidy } = answersAt(() => centre);

describe('at the desk', () => {
  it('a recorded call acknowledges, with who wrote it down', async () => {
    const { alertId } = await liveAlert();
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/organisations?show=unreachable`);
    await officer.click('Lonely Trust');
    await officer.submit('Write it down', { note: 'x' }, { status: 422 });
    const page = await officer.submit('Write it down', { kind: 'got_it', note: 'CIO knows' });
    assert.match(page.text, /Got it.*by phone, written down by an officerCIO knows/);
    assert.deepEqual(await responsesTo(alertId), [
      { organisation: 'Lonely', evidence: 'call', affected: null, help: false },
    ]);
    await tidy(alertId);
  });

  it('one person takes a call for help; the second is told who has it', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    const other = await centre.invite(`Other ${alertId.slice(0, 8)}`, ['duty_officer']);
    const [first, second] = [centre.visit(centre.officer), centre.visit(other)];
    await first.get('/');
    const item = await first.click('Take it');
    await second.get(item.path);
    await first.submit('I take this');
    const late = await second.submit('I take this', {}, { status: 409 });
    assert.match(late.text, /Somebody else took it first[^]*Amara Osei has this since/);
    await first.submit('Close it', { outcome: '' }, { status: 422 });
    await first.submit('Close it', { outcome: 'Rang the CISO' });
    assert.deepEqual(await deskItems(), []);
    await tidy(alertId);
  });
});

describe('what an officer typed', () => {
  it('who took a call for help sees who asked and the whole number; each look is kept', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.northmoor, `${codeOf(numbers.northmoor)} HELP`);
    await askedByOnCall(alertId);
    const other = await centre.invite('Mia Berg', ['duty_officer']);
    const [first, second] = [centre.visit(centre.officer), centre.visit(other)];
    await first.get('/');
    const item = await first.click('Take it');
    assert.match(item.body, /<strong>Ada Okafor<\/strong>, CISO or head of cyber asked/);
    assert.match(item.body, /<strong>On-call IT<\/strong>/);
    const lookedUp = async () => {
      const { rows } = await centre.db.owner.withActor(system('test'), (tx) =>
        tx.one<{ rows: number }>(sql`
          select count(*) as rows from audit.entry
          where action = 'contact.looked_up' and subject_id = ${item.path.slice('/desk/'.length)}`),
      );
      return rows;
    };
    assert.doesNotMatch(item.body, /tel:\+/);
    assert.equal(await lookedUp(), 0);
    const mine = await first.submit('I take this');
    assert.match(mine.body, /href="tel:\+447700900201">07700 900201</);
    assert.match(mine.body, /href="mailto:ada@northmoor\.test"/);
    assert.match(mine.body, /href="tel:\+447700900210">07700 900210</);
    assert.equal(await lookedUp(), 1);
    const theirs = await second.get(item.path);
    assert.match(theirs.body, /Amara Osei has this since/);
    assert.doesNotMatch(theirs.body, /tel:\+|mailto:/);
    assert.equal(await lookedUp(), 1);
    await tidy(alertId);
  });

  it('whoever rings sees the numbers of an organisation, and each look is kept', async () => {
    const { alertId } = await liveAlert();
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/organisations?show=must_answer`);
    const masked = await officer.click('Northmoor');
    assert.doesNotMatch(masked.body, /tel:\+|mailto:/);
    const shown = await officer.submit('Show their numbers');
    assert.match(shown.body, /href="tel:\+447700900201">07700 900201</);
    const { rows } = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.one<{ rows: number }>(sql`
        select count(*) as rows from audit.entry
        where action = 'contact.looked_up' and subject_kind = 'organisation'`),
    );
    assert.equal(rows, 1);
    await tidy(alertId);
  });

  it('a stranger who texted can be rung back by who took it, and by nobody else', async () => {
    await textFrom(centre, '07700900987', 'HELP, who are you?');
    const officer = centre.visit(centre.officer);
    await officer.get('/');
    const item = await officer.click('Take it');
    assert.match(item.body, /Somebody who is not in the directory<\/strong> wrote/);
    assert.doesNotMatch(item.body, /tel:\+|900987/);
    const mine = await officer.submit('I take this');
    assert.match(mine.body, /href="tel:\+447700900987">07700 900987</);
    await officer.submit('Close it', { outcome: 'A wrong number' });
  });

  it('comes back beside its error: an outcome that is too long, or came too late', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
    await first.get('/');
    const item = await first.click('Take it');
    await first.submit('I take this');
    await second.get(item.path);
    const long = `Rang the CISO ${'x'.repeat(1000)}`;
    const refused = await first.submit('Close it', { outcome: long }, { status: 422 });
    assert.match(refused.body, /id="outcome-error"[^]{0,120}in 1,000 characters or fewer/);
    assert.ok(refused.body.includes(long));
    await first.submit('Close it', { outcome: 'Rang the CISO' });
    const late = await second.submit('Close it', { outcome: 'Sent the rota' }, { status: 409 });
    assert.match(late.body, /id="outcome-error"[^]{0,120}It is closed already, with other words/);
    assert.match(late.text, /What you wrote It was not saved.*Sent the rota/);
    assert.match(late.text, /Closed by Amara Osei .*: Rang the CISO/);
    await tidy(alertId);
  });

  it('an outcome sent twice is one outcome, and no error', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
    await first.get('/');
    const item = await first.click('Take it');
    await first.submit('I take this');
    await second.get(item.path);
    for (const tab of [first, second]) await tab.submit('Close it', { outcome: 'Rang the CISO' });
    await tidy(alertId);
  });

  it('is one call, however often its form is posted; other words are another', async () => {
    const { alertId } = await liveAlert();
    const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
    const list = `/alerts/${alertId}/organisations?show=unreachable`;
    await first.get(list);
    const opened = await first.click('Lonely Trust');
    const formId = opened.elements('input[name="formId"]')[0]?.attribs['value'] ?? '';
    await second.get(list);
    await second.click('Lonely Trust');
    const call = { kind: 'got_it', note: 'CIO knows', formId };
    await first.submit('Write it down', call);
    await second.submit('Write it down', call);
    assert.equal(await answersTo(alertId), 1);
    await second.submit('Write it down', { ...call, note: 'Rang again' }, { status: 409 });
    assert.match(second.page.body, /id="note-error"[^]{0,120}used for a call that is written down/);
    assert.match(second.page.body, /Rang again<\/textarea>/);
    await second.submit('Write it down');
    assert.equal(await answersTo(alertId), 2);
    await tidy(alertId);
  });

  it('comes back beside its error: a note of a call that is too long', async () => {
    const { alertId } = await liveAlert();
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/organisations?show=unreachable`);
    await officer.click('Lonely Trust');
    const note = `CIO knows ${'x'.repeat(1000)}`;
    const page = await officer.submit('Write it down', { kind: 'help', note }, { status: 422 });
    assert.match(page.body, /id="note-error"[^]{0,120}Use 1,000 characters or fewer/);
    assert.ok(page.body.includes(note));
    assert.match(page.body, /value="help"[^>]* checked/);
    await tidy(alertId);
  });
});

/** The second contact of Northmoor calls for help too, while the first call waits. */
async function askedByOnCall(alertId: string): Promise<void> {
  await centre.db.web.withActor(system('test'), async (tx) => {
    const indexed = centre.product.seals.indexAddress('text', numbers.sharedOnCall);
    const point = await findContactPointByIndex(tx, 'text', indexed);
    const organisations = await listOrganisationsOfContactPoint(tx, point!.id);
    const northmoor = organisations.find(({ shortName }) => shortName === 'Northmoor')!;
    must(
      await takeAnswer(tx, centre.model, {
        alertId,
        organisationIds: [northmoor.organisationId],
        kind: 'help',
        evidence: 'text_with_code',
        contactPointId: point!.id,
        recordedBy: null,
        note: null,
      }),
    );
  });
}

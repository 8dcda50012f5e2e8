import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import {
  everybody,
  saveAudience,
  type AskedQuestion,
  type AudienceQuestion,
} from '#organisations/index.ts';
import {
  contextOf,
  deliverAll,
  draftAlert,
  messagesOf,
  must,
  openCentre,
  releaseAlert,
  submitDraft,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import { seedGateway } from '../../test/support/dispatch.ts';
import { dryRun, type DryRun } from './dry-run.ts';
import { beginVersion, createAlert, findVersion, saveDraft } from './index.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(async () => await centre.close());

async function run(alertId: string): Promise<DryRun> {
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    const page = { limit: 100 };
    return must(await dryRun(tx, contextOf(centre), { version: version!, now: new Date(), page }));
  });
}

test('it counts what the freeze then writes, texts and fragments alike', async () => {
  const alertId = await draftAlert(centre);
  const dry = await run(alertId);
  await submitDraft(centre, alertId);
  const { dispatchId } = await centre.db.web.withActor(centre.officer, (tx) =>
    tx.one<{ dispatchId: string }>(sql`
      select submission.dispatch_id from alerts.submission
      join alerts.version on version.id = submission.version_id
      where version.alert_id = ${alertId}`),
  );
  const frozen = await messagesOf(centre, dispatchId);
  for (const { round, channel, messages } of dry.rounds)
    assert.equal(
      messages,
      frozen.filter((one) => one.round === round && one.channel === channel).length,
      `round ${round} by ${channel}`,
    );
  const texts = frozen.filter(({ channel }) => channel === 'text').map(({ body }) => body.length);
  assert.equal(
    dry.longest[0]?.text.characters,
    Math.max(...texts) - '{since}'.length + '03:02'.length,
  );
  assert.match(dry.longest[0]?.name ?? '', /^(Northmoor|Southmere) \+1$/);
  assert.deepEqual([dry.organisations, dry.mustAnswer], [5, 4]);
});

test('who has no chain to the end is named, with the rounds that would tell nobody', async () => {
  const { gaps, gapCounts } = await run(await draftAlert(centre));
  assert.deepEqual(
    gaps.map(({ code, silentRounds }) => `${code} ${silentRounds.join()}`),
    ['ZZ-0003 2,3', 'ZZ-0005 1,2,3', 'ZZ-0001 3', 'ZZ-0002 3', 'ZZ-0004 2,3'],
  );
  assert.deepEqual(gapCounts, { organisations: 5, mustAnswer: 4, unreachable: 1 });
  const page = await centre
    .visit(centre.officer)
    .get(`/alerts/${await draftAlert(centre)}/dry-run`);
  assert.match(page.text, /Lonely Trust ZZ-0005 Yes rank 1 \(round 1\), rank 2 \(round 2\)/);
  assert.match(page.text, /counted at \d\d:\d\d:\d\d/);
});

test('it says who gets the first text when, and where no gateway takes texts', async () => {
  const alertId = await draftAlert(centre);
  assert.equal((await run(alertId)).forecast, null);
  const client = centre.visit(centre.officer);
  assert.match((await client.get(`/alerts/${alertId}/dry-run`)).text, /No gateway takes texts now/);
  const bucket = { ratePerSecond: 0.5, burst: 1 };
  await seedGateway(centre.db.worker, { id: 'notify', bucket });
  const { forecast } = await run(alertId);
  // Three texts in the first round: one at once, two more at one in two seconds.
  assert.ok(forecast!.everyOrganisationMs! > 3000 && forecast!.everyOrganisationMs! <= 4000);
  assert.equal(forecast!.everyOrganisationMs, forecast!.firstRoundMs);
  // The second round has one text, the third none.
  assert.equal(forecast!.lastTextMs, 900_000);
  assert.equal(forecast!.withoutText, 2);
  const page = await client.get(`/alerts/${alertId}/dry-run`);
  assert.match(page.text, /Every organisation has one text ?\d\d:\d\d:\d\d, 4 seconds from now/);
  assert.match(page.text, /2 organisations get none/);
});

test('a draft is held by a saved audience at its version; a change and a retirement are said', async () => {
  const question: AskedQuestion = { ...everybody, types: ['trust'] };
  const audienceId = newId();
  const save = async (work: Parameters<typeof centre.db.web.attempt>[1]) =>
    must(await centre.db.web.attempt(centre.officer, work));
  await save((tx) =>
    saveAudience(tx, { id: audienceId, name: 'Trusts', question, now: new Date() }),
  );
  const created = must(
    await centre.db.web.attempt(centre.officer, (tx) =>
      createAlert(tx, centre.model, {
        wording,
        audience: { ...everybody, audiences: [{ how: 'and', id: audienceId }] },
      }),
    ),
  );
  const held = async () =>
    (await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, created.id)))
      ?.audience as AudienceQuestion;
  assert.equal((await held()).audiences[0]!.version, 1);
  assert.equal((await run(created.id)).organisations, 4);
  const officer = centre.visit(centre.officer);
  await officer.get(`/audiences/${audienceId}/edit`);
  await officer.submit(`/audiences/${audienceId}/edit`, { types: ['practice'], next: 'save' });
  assert.equal((await run(created.id)).organisations, 4, 'it holds what it held');
  const check = await officer.get(`/alerts/${created.id}`);
  assert.match(check.text, /Trusts has changed: this alert holds version 1, version 2 is in use/);
  await officer.get(`/alerts/${created.id}/edit`);
  await officer.submit(`/alerts/${created.id}/edit`, { title: 'Another', next: 'stay' });
  assert.equal((await held()).audiences[0]!.version, 1, 'saving again keeps the version');
  await officer.get(`/audiences/${audienceId}`);
  await officer.submit(`/audiences/${audienceId}/retire`);
  assert.match((await officer.get(`/alerts/${created.id}`)).text, /Trusts is retired/);
  await officer.get('/alerts/new');
  assert.doesNotMatch(officer.page.text, /Trusts/);
});

test('a choice is saved as an audience with the draft, once, however often it is posted', async () => {
  const officer = centre.visit(centre.officer);
  const page = await officer.get('/alerts/new');
  const formId = page.elements('input[name="formId"]')[0]?.attribs['value'] ?? '';
  const form = new URLSearchParams({
    formId,
    title: 'By audience',
    severity: 'high',
    marking: 'CLEAR',
    types: 'practice',
    audienceName: 'Practices',
    next: 'stay',
  });
  const post = () => officer.request('POST', '/alerts/new', { form });
  const answers = await Promise.all([post(), post(), post()]);
  for (const { status, headers } of answers)
    assert.deepEqual([status, headers.get('location')], [303, `/alerts/${formId}/edit`]);
  const version = await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, formId));
  const [part] = (version!.audience as AudienceQuestion).audiences;
  assert.deepEqual([part?.how, part?.name, part?.version], ['and', 'Practices', 1]);
  const edit = await officer.get(`/alerts/${formId}/edit`);
  assert.match(edit.body, /<option value="[^"]+@1" selected>Practices<\/option>/);
  const taken = new URLSearchParams(form);
  taken.set('formId', newId());
  const refused = await officer.request('POST', '/alerts/new', { form: taken });
  assert.equal(refused.status, 422);
  assert.match(refused.body, /Another audience is called so/);
});

test('once it is out there is no dry run of it, but its board', async () => {
  const { alertId } = await releaseAlert(centre);
  const answer = await centre.visit(centre.officer).request('GET', `/alerts/${alertId}/dry-run`);
  assert.deepEqual([answer.status, answer.headers.get('location')], [303, `/alerts/${alertId}`]);
});

test('an update to fewer counts what goes to who had one: nobody of it is told by a round', async () => {
  const released = await releaseAlert(centre);
  await deliverAll(centre, released.dispatchId);
  const draft = async (severity: string) => {
    const officer = centre.db.web;
    must(
      await officer.attempt(centre.officer, async (tx) => {
        const version = (await findVersion(tx, released.alertId))!;
        const begun = { alertId: released.alertId, kind: 'update' } as const;
        if (version.state !== 'draft') must(await beginVersion(tx, centre.model, begun));
        const { revision, ...words } = (await findVersion(tx, released.alertId))!;
        return await saveDraft(tx, {
          wording: { ...words, severity },
          audience: words.audience as AudienceQuestion,
          alertId: released.alertId,
          revision,
        });
      }),
    );
    return await run(released.alertId);
  };
  const same = await draft('critical');
  assert.deepEqual(same.following, [], 'the rounds tell all of them');
  // The approver reads the same price as the officer; each number gets one of the two texts.
  const officer = centre.visit(centre.officer);
  const approver = centre.visit(centre.approver);
  const page = `/alerts/${released.alertId}`;
  await officer.get(page);
  await officer.submit('Submit for approval');
  const price = async () => /Costs (\S+) with VAT/.exec((await approver.get(page)).text)?.[1];
  assert.equal(await price(), same.costAtMost);
  await officer.get(page);
  await officer.submit('Take back and change');
  const lower = await draft('medium');
  assert.ok(lower.rounds.every(({ channel }) => channel === 'mail'));
  const texts = (await messagesOf(centre, released.dispatchId)).filter(
    ({ channel }) => channel === 'text',
  );
  const [counted] = lower.following;
  assert.deepEqual(
    [counted?.channel, counted?.messages, counted?.organisations, counted?.cost],
    ['text', new Set(texts.map(({ number }) => number)).size, 3, lower.firstRoundCost],
  );
  assert.equal(lower.costAtMost, lower.firstRoundCost);
  assert.match(lower.longest[0]?.text.text ?? '', /UPDATE, Northmoor/);
  const { withoutText, lastTextMs, everyOrganisationMs } = lower.forecast!;
  assert.ok(withoutText === 2 && lastTextMs! > 0 && lastTextMs === everyOrganisationMs);
  const dry = await officer.get(`${page}/dry-run`);
  assert.match(
    dry.text,
    /Update, texts at once, at most so many: to who has had the version before/,
  );
  const check = await officer.get(page);
  assert.ok(check.text.includes(`They cost at most ${lower.costAtMost} with VAT`), check.text);
  await officer.submit('Submit for approval');
  assert.equal(await price(), lower.costAtMost);
});

test('who is reached only by what failed is counted beside those whom nothing reaches', async () => {
  const alertId = await draftAlert(centre);
  const officer = centre.visit(centre.officer);
  const loseAll = async (code: string) => {
    const { dispatchId } = await releaseAlert(centre);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`
        update dispatch.message set state = 'undelivered', attempt = 1, due_at = now(),
          accepted_at = now(), final_at = now()
        where dispatch_id = ${dispatchId} and contact_point_id in (
          select link.contact_point_id from organisations.organisation
          join organisations.contact on contact.organisation_id = organisation.id
          join organisations.contact_contact_point link on link.contact_id = contact.id
          where organisation.code = ${code})`),
    );
  };
  await loseAll('ZZ-0001');
  assert.equal((await run(alertId)).failedOnly, 0, 'one text that is lost says little');
  const { text } = await officer.get(`/alerts/${alertId}/dry-run`);
  assert.doesNotMatch(text, /that failed/);
  await loseAll('ZZ-0001');
  // The number that it shares fails for its neighbour too, who has another.
  assert.equal((await run(alertId)).failedOnly, 1);
  const page = await officer.get(`/alerts/${alertId}/dry-run`);
  assert.match(page.text, /1 organisation is reached only by numbers and addresses that failed/);
});

test('who is off duty or away just now is named, with what comes of it', async () => {
  const alertId = await draftAlert(centre);
  assert.deepEqual((await run(alertId)).offDuty.contacts, []);
  const contact = (code: string, role: string) => sql`(
    select contact.id from organisations.contact
    join organisations.organisation on organisation.id = contact.organisation_id
    where organisation.code = ${code} and contact.role = ${role})`;
  const hours = (id: Sql) => sql`
    insert into organisations.duty_hours (contact_id, weekday, starts_at, ends_at, time_zone)
    values (${id}, extract(isodow from now() + interval '3 days'), '10:00', '11:00', 'UTC')`;
  await centre.db.owner.withActor(system('test'), async (tx) => {
    await tx.run(hours(contact('ZZ-0001', 'on_call_it')));
    await tx.run(hours(contact('ZZ-0003', 'ciso')));
    await tx.run(sql`
      insert into organisations.absence (contact_id, starts_at, ends_at, cover_id)
      values (${contact('ZZ-0002', 'on_call_it')}, now() - interval '1 day',
        now() + interval '1 day', ${contact('ZZ-0002', 'ciso')})`);
  });
  const { offDuty } = await run(alertId);
  assert.deepEqual(offDuty.counts, { stands_in: 1, left_out: 1, told: 1 });
  assert.deepEqual(
    offDuty.contacts.map(({ code, outcome, coverRole, told }) =>
      [code, outcome, coverRole, ...told].join(' '),
    ),
    ['ZZ-0003 told  mail text', 'ZZ-0001 left_out ', 'ZZ-0002 stands_in ciso mail text'],
  );
  const { text } = await centre.visit(centre.officer).get(`/alerts/${alertId}/dry-run`);
  assert.match(text, /Eastvale Ambulance ZZ-0003 .*, rank 1 told all the same, by text and mail/);
  assert.match(text, /Southmere Community ZZ-0002 On-call IT, rank 2 .* stands in, by text/);
});

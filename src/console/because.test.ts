/** “Because”: every message, deadline and escalation leads to its rule, in the version it obeys. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { getElementsByTagName, innerText } from 'domutils';
import { system } from '#kernel/actor.ts';
import {
  becauseSingle,
  parseOperatingModel,
  pinVersion,
  singleRulesOf,
} from '#operating-model/index.ts';
import { sql } from '#db/sql.ts';
import {
  deliverAll,
  deliverRounds,
  draftAlert,
  openCentre,
  must,
  endAlert,
  releaseAlert,
  releaseVersion,
  tasksFor,
  submitDraft,
  textFrom,
  messagesOf,
  numbers,
  sendOwnCodes,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import type { Page } from '../../test/support/page-client.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { explainMessage } from './because-messages.ts';
import { explainAlert, rulesOfAlert } from './because.ts';
import type { Explained } from './model.ts';
import { listMessages } from './store-messages.ts';
import { findLiveAlert } from './store.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const assessment = {
  impact: 'stopped',
  spread: 'sector',
  confidence: 'confirmed',
  reason: '',
};

function becauseIn(page: Page): string[] {
  return page
    .elements('a')
    .map(({ attribs }) => attribs['href'] ?? '')
    .filter((href) => href.startsWith('/operating-model/rules/'));
}

const expected: Record<string, readonly string[]> = {
  board: [
    'severities-critical-rounds-1',
    'severities-critical-acknowledge_within',
    'severities-critical-rounds',
    'promises-next_update',
    'desk-call_back_within',
  ],
  messages: ['severities-critical-rounds-0', 'severities-critical-rounds-1'],
  desk: ['promises-next_update', 'desk-call_back_within', 'promises-approval'],
  approval: [
    'promises-approval',
    'severity_matrix-rules-0',
    'severities-critical-rounds-0',
    'severities-critical-rounds-1',
  ],
  because: [
    'severity_matrix-rules-0',
    'promises-approval',
    'severities-critical-rounds-0',
    'severities-critical-rounds-1',
    'severities-critical-rounds',
    'severities-critical-acknowledge_within',
    'severities-critical-send_expires_after',
    'promises-next_update',
    'desk-call_back_within',
  ],
  'call list': ['severities-critical-rounds'],
  organisation: ['severities-critical-rounds-0'],
};

/** What explains one message, deadline or escalation or another of those of the test below. */
const everyRule = [
  'severity_matrix.rules[1]',
  'severity_matrix',
  'promises.approval',
  'promises.next_update',
  'promises.review',
  'holding.alone',
  'roles',
  'desk.call_back_within',
  'texts_per_number',
  ...['rounds[0]', 'rounds[1]', 'reminders[0]', 'reminders[1]', 'rounds'].map(
    (place) => `severities.high.${place}`,
  ),
  ...['acknowledge_within', 'send_expires_after', 'decide_uncertain_after', 'tell_region'].map(
    (key) => `severities.high.${key}`,
  ),
  ...['quiet_hours', 'recall_window'].map((key) => `severities.low.${key}`),
  ...['update', 'update_asking_marked', 'correction_marked', 'closing', 'withdrawal'].map(
    (name) => `texts.${name}`,
  ),
  ...['nis', 'data_protection'].map((id) => `reporting_clocks.${id}`),
];

type Seen = readonly [what: string, because: Explained['because']];

/** Notes the rule of every step and message of the version that is out, and that all have facts. */
async function explainAll(
  seen: Seen[],
  alertId: string,
  dispatchKinds: readonly string[],
): Promise<void> {
  await centre.db.owner.withActor(system('test'), async (tx) => {
    const alert = (await findLiveAlert(tx, alertId))!;
    for (const one of await explainAlert(tx, alert, centre.model)) {
      assert.ok(one.facts.length > 0, `${one.what} has no facts`);
      seen.push([one.what, one.because]);
    }
    const rules = await rulesOfAlert(tx, alert, centre.model);
    const kinds = rules.dispatched.map(({ kind }) => kind).toSorted();
    assert.deepEqual(kinds, dispatchKinds.toSorted());
    const dispatchIds = rules.dispatched.map(({ dispatchId }) => dispatchId);
    for (const channel of ['text', 'mail'] as const) {
      const listing = 'planned' as const;
      const asked = { alertId, dispatchIds, channel, listing, after: undefined, most: 500 };
      for (const row of await listMessages(tx, asked)) {
        const { because, facts } = explainMessage(alert, rules, row);
        assert.ok(facts.length > 0);
        const { kind } = rules.dispatched.find((one) => one.dispatchId === row.dispatchId)!;
        seen.push([`${kind} ${row.round} ${row.failureCode ?? ''} ${row.state}`, because]);
      }
    }
  });
}

/** Every timer that stands, as if its time had come: whoever has a number is texted. */
async function wakeAll(of: Centre): Promise<void> {
  const timers = await of.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ payload: unknown }>(sql`
      select payload from graphile_worker._private_jobs
      where payload ->> 'kind' is not null and payload ->> 'step' is not null`),
  );
  for (const { payload } of timers) await tasksFor(of)['people_woken']!(payload);
}

/** Each leads to an element of that page, and says the version of the alert. */
async function assertLeads(hrefs: readonly string[], version: string): Promise<void> {
  const page = await centre.visit(centre.officer).get(`/operating-model/rules/${version}`);
  for (const href of new Set(hrefs)) {
    const [path = '', anchor = ''] = href.split('#');
    assert.equal(path, `/operating-model/rules/${version}`);
    assert.match(page.body, new RegExp(`id="${anchor}"`), `${anchor} is no place of that page`);
  }
}

/** Beside each rule that says when, what the hours of the day have to do with it. */
function assertHours(name: string, page: Page): void {
  const said = page.elements('span').filter(({ attribs }) => attribs['class'] === 'tocsin-because');
  const timed = said.filter((one) =>
    getElementsByTagName('a', one).some(({ attribs }) =>
      /#rule-(severities|promises|desk)-/.test(attribs['href'] ?? ''),
    ),
  );
  assert.ok(timed.length > 0, `${name} says no reason`);
  for (const one of timed)
    assert.match(innerText(one), /no quiet hours|at any hour of day and night/, name);
}

describe('because', () => {
  // First: what else is live at a number decides how a reply is read.
  it('stands beside every single message, with its facts and none of its words', async () => {
    const account = centre.visit(centre.approver);
    await account.get('/account');
    await account.submit('Save the number', { phone: '+447700900302' });
    const { alertId, dispatchId, number } = await releaseAlert(centre);
    await deliverAll(centre, dispatchId);
    const sent = await messagesOf(centre, dispatchId);
    const code = sent.find((one) => one.number === numbers.eastvale)!.code;
    for (const words of [code, `${code} HELP`, 'what is this?', `${code} CHECK`])
      await textFrom(centre, numbers.eastvale, words);
    const visitor = centre.site.visitor();
    await visitor.get('/your-details/sign-in');
    await visitor.submit('Send me a code', { address: '07700 900203' });
    await sendOwnCodes(centre);
    await submitDraft(centre, await draftAlert(centre));
    await endAlert(centre, alertId, 'closed');
    await wakeAll(centre);
    const page = await centre.visit(centre.officer).get('/single-messages');
    const hrefs = becauseIn(page);
    await assertLeads(hrefs, centre.model.version);
    const found = new Set(hrefs.map((href) => href.split('#rule-')[1]!));
    const replies = ['after_reply', 'after_help', 'not_understood', 'genuine'];
    const texts = [...replies, 'own_code', 'officers_told'];
    for (const rule of [...texts.map((text) => `texts-${text}`), 'promises-approval'])
      assert.ok(found.has(rule), `no ${rule}`);
    assert.match(
      page.text,
      /Text to Eastvale .* their text of \d\d:\d\d answered alert \d+; waits/,
    );
    assert.match(page.text, /Text to Tom Lindqvist .* alert \d+ waits since .*; step 1; waits/);
    assert.match(page.text, new RegExp(`alert ${number} was closed`));
    const said = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ body: string }>(sql`
        select message.body from dispatch.message join dispatch.v_single using (id)`),
    );
    const secrets = said.flatMap(({ body }) => [body, ...(body.match(/\b\d{6}\b/g) ?? [])]);
    assert.ok(secrets.length > said.length);
    for (const secret of secrets) assert.ok(!page.text.includes(secret), secret);
    await centre.visit(centre.approver).get('/single-messages', { status: 403 });
    const rules = singleRulesOf(centre.model).map((rule) =>
      becauseSingle({ ...centre.model, rule }),
    );
    await assertLeads(
      rules.map(({ href }) => href),
      centre.model.version,
    );
  });

  it('stands on board, messages, call list, desk and approval, and leads to the rule', async () => {
    const content = { ...wording.content, assessment };
    const { alertId, dispatchId } = await releaseAlert(centre, { content });
    await deliverAll(centre, dispatchId);
    const first = (await messagesOf(centre, dispatchId)).find(({ channel }) => channel === 'text');
    const officer = centre.visit(centre.officer);
    await textFrom(centre, first!.number, `${first!.code} HELP`);
    const waits = await draftAlert(centre, { content });
    await submitDraft(centre, waits);
    const seen: Record<string, string[]> = {};
    const look = async (name: string, path: string) => {
      const page = await officer.get(path);
      seen[name] = becauseIn(page).map((href) => href.split('#rule-')[1] ?? '');
      await assertLeads(becauseIn(page), centre.model.version);
      assertHours(name, page);
      return page;
    };
    await look('board', `/alerts/${alertId}/board`);
    await look('messages', `/alerts/${alertId}/messages?channel=text`);
    await look('desk', '/');
    await look('approval', `/alerts/${waits}`);
    const steps = await look('because', `/alerts/${alertId}/because`);
    await deliverRounds(centre, dispatchId);
    const calls = await look('call list', `/alerts/${alertId}/calls`);
    const name = calls
      .elements('a')
      .map(({ attribs }) => attribs['href'] ?? '')
      .filter((href) => /\/calls\/[0-9a-f-]{36}$/.test(href))
      .at(-1);
    const organisationId = name!.split('/').at(-1);
    await look('organisation', `/alerts/${alertId}/organisations/${organisationId}`);
    for (const [page, rules] of Object.entries(expected))
      for (const rule of rules) assert.ok(seen[page]?.includes(rule), `${page} lacks ${rule}`);
    // The facts: who submitted and approved it, and what became of a round.
    assert.match(steps.text, /submitted by Amara Osei .*; approved by Tom Lindqvist/);
    assert.match(steps.text, /Critical, after 15 min: rank 2, where nobody answered/);
  });

  it('what waits because of the limit for its number says so', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.message set failure_code = 'number_limit'
        where dispatch_id = ${dispatchId} and state = 'ready' and channel = 'text'`),
    );
    const page = await centre.visit(centre.officer).get(`/alerts/${alertId}/messages?channel=text`);
    assert.match(page.text, /One number gets 15 texts in 1 h at most.*it waited its turn/);
    await assertLeads(becauseIn(page), centre.model.version);
  });

  it('an alert keeps leading to the rules it began under', async () => {
    const { alertId } = await releaseAlert(centre);
    const source = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
    const other = must(
      parseOperatingModel(source.replace('after: PT15M }', 'after: PT20M }'), 'other'),
    );
    await centre.db.owner.withActor(system('test'), async (tx) => {
      await pinVersion(tx, other);
      await tx.run(sql`insert into operating_model.adoption (sha256) values (${other.version})`);
    });
    const officer = centre.visit(centre.officer);
    const page = await officer.get(`/alerts/${alertId}/because`);
    await assertLeads(becauseIn(page), centre.model.version);
    const then = await officer.get(`/operating-model/rules/${other.version}`);
    assert.match(then.text, /After 20 min/);
    await officer.get(`/operating-model/rules/${'0'.repeat(64)}`, { status: 404 });
  });

  it('every message, deadline and escalation there is has its rule and its facts', async () => {
    const seen: Seen[] = [];
    const account = centre.visit(centre.approver);
    await account.get('/account');
    await account.submit('Save the number', { phone: '+447700900301' });
    const answers = { ...assessment, confidence: 'possible' };
    const high = { severity: 'high', content: { ...wording.content, assessment: answers } };
    const first = await releaseAlert(centre, high);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.message set failure_code = case channel
          when 'text' then 'number_limit' else 'cut_off' end
        where dispatch_id = ${first.dispatchId} and state = 'held'`),
    );
    await explainAll(seen, first.alertId, ['first']);
    await deliverAll(centre, first.dispatchId);
    await releaseVersion(centre, first.alertId, 'update', { asksAgain: false });
    await explainAll(seen, first.alertId, ['first', 'update']);
    await releaseVersion(centre, first.alertId, 'update', { asksAgain: true, marking: 'AMBER' });
    await explainAll(seen, first.alertId, ['first', 'update']);
    await releaseVersion(centre, first.alertId, 'correction', { ifActed: 'Reconnect.' });
    await explainAll(seen, first.alertId, ['first', 'correction']);
    await endAlert(centre, first.alertId, 'closed');
    await explainAll(seen, first.alertId, ['first', 'correction', 'closing']);
    const held = centre.visit(centre.officer);
    await held.get('/alerts/holding');
    const alone = (await held.submit('Submit for approval')).path.split('/')[2]!;
    await held.click('Send it alone');
    await held.submit('Send it alone, now', { organisations: '4' });
    await wakeAll(centre);
    await explainAll(seen, alone, ['first']);
    await endAlert(centre, alone, 'withdrawn');
    await explainAll(seen, alone, ['withdrawal']);
    await explainAll(seen, (await releaseAlert(centre, { severity: 'low' })).alertId, ['first']);
    const none = seen.filter(([, because]) => because === undefined);
    assert.deepEqual(none, []);
    const all = seen.map(([, because]) => because!);
    const rules = new Set(all.map(({ rule }) => rule));
    for (const rule of everyRule) assert.ok(rules.has(rule), `nothing was explained by ${rule}`);
    await assertLeads(
      all.map(({ href }) => href),
      centre.model.version,
    );
    // The page of an organisation has all that went to it, of each version.
    const [row] = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ id: string }>(sql`select id from organisations.organisation
        where code = 'ZZ-0001'`),
    );
    const page = await centre
      .visit(centre.officer)
      .get(`/alerts/${first.alertId}/organisations/${row!.id}`);
    for (const kind of ['round 1', 'update', 'correction', 'closing'])
      assert.match(page.text, new RegExp(`Text, ${kind}: .*Why: `), kind);
  });
});

/** “Because”: every message, deadline and escalation leads to its rule, in the version it obeys. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { getElementsByTagName, innerText } from 'domutils';
import { system } from '#kernel/actor.ts';
import { parseOperatingModel, pinVersion } from '#operating-model/index.ts';
import { sql } from '#db/sql.ts';
import {
  deliverAll,
  deliverRounds,
  draftAlert,
  openCentre,
  must,
  releaseAlert,
  submitDraft,
  textFrom,
  messagesOf,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import type { Page } from '../../test/support/page-client.ts';
import { seedNotify } from '../../test/support/dispatch.ts';

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

/** Each leads to an element of that page, and says the version of the alert. */
async function assertLeads(hrefs: readonly string[], version: string): Promise<void> {
  const officer = centre.visit(centre.officer);
  for (const href of new Set(hrefs)) {
    const [path = '', anchor = ''] = href.split('#');
    assert.equal(path, `/operating-model/rules/${version}`);
    const page = await officer.get(path);
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
});

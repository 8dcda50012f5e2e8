/** The directory as at a day on which a merger is coming: every page and figure tells of that day. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { startSite, type PageClient, type Site } from '../../../test/support/page-client.ts';
import { saveAudience } from '../audiences/audiences.ts';
import { coverageRoutes } from '../coverage/routes-coverage.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { lockImports } from '../imports/store-import.ts';
import { everybody } from '../model.ts';
import { mendRoutes } from '../proof/routes-mend.ts';
import { organisationApiRoutes } from '../routes-api.ts';
import { organisationRoutes } from '../routes.ts';
import { listOrganisations } from '../store.ts';
import { confirmSuccession, everyPair, planSuccession } from './succeed.ts';

const now = new Date();
const day = (days: number) =>
  new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 10);
const TODAY = day(0);
const MERGED = day(30);
const LATER = day(31);

const officer = {
  kind: 'person' as const,
  id: newId(),
  name: 'Ada Okafor',
  permissions: new Set<Permission>(['directory.read', 'directory.write', 'response.record']),
};

describe('as at a day on which a merger is coming', () => {
  let db: Clone;
  let site: Site;
  let ada: PageClient;
  const ids = new Map<string, string>();
  const audienceId = newId();

  before(async () => {
    db = await cloneDatabase();
    const holds = { proofHoldsForMs: 86_400_000, attestation: { everyMs: 86_400_000 } };
    const model = { ...rules, ...holds, silentAfter: 3 };
    site = await startSite({
      routes: [
        ...organisationRoutes({ database: db.web, model, secrets }),
        ...coverageRoutes({ database: db.web, model }),
        ...mendRoutes({ database: db.web, model }),
        ...organisationApiRoutes({ database: db.web, rules: model, secrets }),
      ],
      apiKeys: { findApiKey: async () => officer },
      now: () => now,
    });
    ada = site.visitorAs(officer);
    const options = { rules, secrets, startedAt: now };
    const file = (lines: readonly string[]) => ({
      name: 'x.csv',
      bytes: Buffer.from(`${lines.join('\n')}\n`),
    });
    const organisations = [
      'code,name,type,region,opened_on',
      'AA-01,Northmoor,trust,R1,',
      'AA-02,Eastfirth,trust,R1,',
      `AA-03,Moor and Firth,trust,R1,${MERGED}`,
      'AA-04,Fell,trust,R1,',
      'AA-05,Dale,trust,R1,',
    ];
    const contacts = [
      'organisation_code,name,role,rank,mobile',
      'AA-01,Sam,ciso,1,07700 900123',
      'AA-02,Kim,ciso,2,07700 900124',
      'AA-04,Ida,ciso,1,07700 900125',
    ];
    await db.web.withActor(system('import'), async (tx) => {
      assert.ok((await importOrganisations(tx, file(organisations), options)).ok);
      assert.ok((await importContacts(tx, file(contacts), options)).ok);
      for (const { code, id } of await listOrganisations(tx, { limit: 10 })) ids.set(code, id);
    });
    await db.web.attempt(officer, async (tx) => {
      const question = { ...everybody, audiences: [], types: ['trust'] };
      const saved = await saveAudience(tx, { id: audienceId, name: 'Trusts', question, now });
      assert.ok(saved.ok);
      await plan(['AA-01', 'AA-02'], ['AA-03'], true);
      await plan(['AA-04'], ['AA-05'], false);
      return saved;
    });
  });
  after(async () => {
    await site.close();
    await db.drop();
  });

  async function plan(predecessors: string[], successors: string[], confirms: boolean) {
    const id = newId();
    const done = await db.web.withActor(officer, async (tx) => {
      const parts = everyPair(predecessors, successors);
      const planned = await planSuccession(tx, { id, onDate: MERGED, parts });
      return planned.ok && confirms ? await confirmSuccession(tx, id, TODAY) : planned;
    });
    assert.ok(done.ok, JSON.stringify(done));
  }

  /** All that a look must leave as it was. */
  const stored = async () =>
    await db.owner.withActor(system('test'), (tx) =>
      tx.one(sql`
        select (select json_agg(contact order by id) from organisations.contact) as contacts,
          (select count(*) from organisations.change) as changes,
          (select json_agg(organisation order by id) from organisations.organisation) as bodies,
          (select json_agg(succession order by id) from organisations.succession) as plans`),
    );

  const pageOf = async (code: string, on: string) =>
    (await ada.get(`/organisations/${ids.get(code)}?as-at=${on}`)).text;

  it('the successor has the people of both, and those who close tell nobody', async () => {
    const before = await stored();
    assert.match(await pageOf('AA-03', LATER), /1 ?Sam ?CISO ?text.*2 ?Kim ?CISO ?text/s);
    assert.match(await pageOf('AA-03', LATER), /Carried out here ?Merger or split on/);
    assert.match(await pageOf('AA-01', LATER), /Closed.*Nobody is told here on that day/s);
    assert.match(await pageOf('AA-01', day(29)), /1 ?Sam ?CISO ?text/);
    assert.match(await pageOf('AA-03', day(29)), /Not open yet.*Nobody is told here/s);
    assert.deepEqual(await stored(), before);
  });

  it('what is planned and not confirmed is said, and not carried out', async () => {
    assert.match(await pageOf('AA-04', LATER), /Planned, not in it.*1 ?Ida ?CISO ?text/s);
    assert.match(await pageOf('AA-05', LATER), /Nobody to tell/);
    const { text } = await ada.get(`/organisations?as-at=${LATER}`);
    assert.match(text, /with 1 confirmed merger or split until then carried out/);
    assert.match(text, /Not in it: 1 merger or split that is planned and not confirmed/);
    assert.match(text, /3 organisations.*Moor and Firth ?AA-03 ?NHS trust ?R1 ?Yes ?2/s);
  });

  it('coverage and what is to be mended first are counted of that day, as page and as file', async () => {
    const { text } = await ada.get(`/organisations/coverage?as-at=${LATER}`);
    assert.match(text, /Of 3 organisations that must answer, a text reaches 2 \(66 %\)/);
    const csv = await ada.request('GET', `/organisations/coverage.csv?as-at=${LATER}`);
    assert.match(csv.body, /region,R1,R1,3,2,0,1,1\r\n/);
    await ada.click('Mend first');
    assert.match(ada.page.text, /2 organisations to mend: 1 where nobody can be told/);
    assert.match(ada.page.text, /on that day.*Dale.*Fell/s);
    assert.doesNotMatch(ada.page.text, /Northmoor|Moor and Firth/);
    const gaps = await ada.request('GET', `/organisations/mend.csv?as-at=${LATER}`);
    assert.match(gaps.body, /AA-05,Dale/);
    assert.doesNotMatch(gaps.body, /AA-01/);
    assert.match(gaps.headers.get('content-disposition') ?? '', new RegExp(LATER));
    const people = await ada.get(`/organisations/mend/people?as-at=${LATER}`);
    assert.match(people.text, /This list is of now/);
  });

  it('so are who is in an audience, and how many', async () => {
    const { text } = await ada.get(`/audiences/${audienceId}?as-at=${LATER}`);
    assert.match(text, /Whom it means on .*3 organisations.*3 contacts: 3 numbers/s);
    await ada.click('Every organisation, with why it is in');
    assert.match(ada.page.text, /3 organisations.*Dale.*Fell.*Moor and Firth/s);
    assert.doesNotMatch(ada.page.text, /Northmoor/);
    const csv = await ada.request(
      'GET',
      `/audiences/${audienceId}/organisations.csv?as-at=${LATER}`,
    );
    assert.match(csv.body, /AA-03/);
    const past = await ada.get(`/audiences/${audienceId}?as-at=${day(-3)}`);
    assert.match(past.text, /Whom it meant on .*4 organisations.*0 contacts/s);
    const api = async (path: string, init: RequestInit = {}) => {
      const headers = { authorization: 'Bearer x', 'content-type': 'application/json' };
      const answer = await fetch(`${site.address}/api/v1${path}`, { headers, ...init });
      return { status: answer.status, value: (await answer.json()) as Record<string, unknown> };
    };
    const post = (asAt: string) =>
      api('/audience/preview', { method: 'POST', body: JSON.stringify({ asAt }) });
    assert.equal((await post(LATER)).value['organisations'], 3);
    const { organisations, contacts } = (await post(day(-3))).value;
    assert.deepEqual([organisations, contacts], [4, 0], 'no contact was there yet');
    const members = await api(`/audiences/${audienceId}/organisations?asAt=${LATER}`);
    assert.deepEqual(
      (members.value['rows'] as { code: string }[]).map(({ code }) => code),
      ['AA-05', 'AA-04', 'AA-03'],
    );
  });

  it('a call list for that day has the numbers where they will be, and names their owners', async () => {
    const before = await stored();
    await ada.get('/organisations/call-list');
    const past = await ada.submit('Make the list', { asAt: day(-1) }, { status: 422 });
    assert.match(past.text, /Choose today or a day to come.*Who was on file on/s);
    await ada.submit('Make the list', { asAt: 'soon' }, { status: 422 });
    await ada.submit('Make the list', { asAt: LATER });
    assert.match(ada.page.text, /Call list as at.*Moor and Firth.*Sam.*07700 900123.*Kim/s);
    assert.doesNotMatch(ada.page.text, /Northmoor/);
    assert.deepEqual(await stored(), before);
    const { entries } = await db.web.withActor(system('test'), (tx) =>
      listEntries(tx, { action: 'call_list.made', limit: 1 }),
    );
    const { asAt, contacts } = entries[0]!.detail as { asAt: string; contacts: string[] };
    assert.equal(asAt, LATER);
    const known = (before as { contacts: { id: string }[] }).contacts.map(({ id }) => id);
    assert.deepEqual(contacts.toSorted(), known.toSorted());
  });

  it('a call list may be of a saved audience, or of nobody but who is named', async () => {
    const id = newId();
    const question = { ...everybody, audiences: [], namedOnly: true, include: ['AA-04'] };
    await db.web.attempt(officer, (tx) =>
      saveAudience(tx, { id, name: 'Fell alone', question, now }),
    );
    await ada.get(`/audiences/${id}`);
    await ada.click('Make a call list of them');
    await ada.submit('Make the list', {});
    assert.match(ada.page.text, /1 organisation, 1 contact.*Fell/s);
    await ada.get('/organisations/call-list');
    await ada.submit('Make the list', { include: 'AA-02', namedOnly: 'yes' });
    assert.match(ada.page.text, /1 organisation, 1 contact.*Eastfirth/s);
  });

  it('is not told while a file is being imported', async () => {
    await db.worker.withActor(system('import'), async (tx) => {
      await lockImports(tx);
      const { text } = await ada.get(`/organisations?as-at=${LATER}`, { status: 503 });
      assert.match(text, /A file is being checked or imported just now/);
    });
    assert.match(await pageOf('AA-03', LATER), /Sam/);
  });
});

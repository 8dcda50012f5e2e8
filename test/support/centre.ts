/**
 * A whole centre for a test: its own database with a small fictional sector, its people, and every
 * page of the product as `wiring.ts` puts them together. No engine runs unless a test starts one.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { may, system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import type { Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import {
  createAlert,
  submitAlert,
  approveAndRelease,
  closeAndTell,
  withdrawReleased,
  beginVersion,
  findSubmission,
  findVersion,
  saveDraft,
} from '#alerts/index.ts';
import { noContent, type Wording } from '#alerts/index.ts';
import { LiveViews } from '#console/index.ts';
import {
  giveRole,
  invitePerson,
  ofRegion,
  permissionsIn,
  permissionsOf,
  scopeOfRole,
} from '#identity/index.ts';
import { loadOperatingModel, type OperatingModel } from '#operating-model/index.ts';
import {
  contactSessionsOf,
  everybody,
  importContacts,
  importOrganisations,
  type AudienceQuestion,
} from '#organisations/index.ts';
import { alertContext, boardContext, productRoutes, tasksOf, type Product } from '#main/wiring.ts';
import { sealsOf } from '#main/seals.ts';
import { cloneDatabase, type Clone } from './database.ts';
import { startSite, type PageClient, type Site } from './page-client.ts';

export type Person = Actor & { kind: 'person' };

export type Centre = {
  readonly db: Clone;
  readonly site: Site;
  readonly product: Product;
  readonly model: OperatingModel;
  readonly officer: Person;
  readonly approver: Person;
  visit(person: Person): PageClient;
  invite(name: string, roles: readonly string[]): Promise<Person>;
  /** A regional lead of these regions. */
  inviteLead(name: string, regionCodes: readonly string[]): Promise<Person>;
  close(): Promise<void>;
};

const columns = 'code,name,short_name,type,region,region_name,system,system_name,telephone';

/** Five organisations: two share the number of one on-call post, one has nobody on file. */
export const organisationsCsv = `${columns}
ZZ-0001,Northmoor Teaching Hospitals,Northmoor,trust,RA,North,SA,Moors,0306 999 0001
ZZ-0002,Southmere Community,Southmere,trust,RA,North,SA,Moors,0306 999 0002
ZZ-0003,Eastvale Ambulance,Eastvale,trust,RB,East,SB,Vales,0306 999 0003
ZZ-0004,Hollow Lane Surgery,Hollow Lane,practice,RB,East,SB,Vales,0306 999 0004
ZZ-0005,Lonely Trust,Lonely,trust,RB,East,SB,Vales,0306 999 0005
`;

export const contactsCsv = `organisation_code,name,kind,role,rank,mobile,email
ZZ-0001,Ada Okafor,person,ciso,1,07700 900201,ada@northmoor.test
ZZ-0001,On-call IT,post,on_call_it,2,07700 900210,
ZZ-0002,Ben Ferris,person,ciso,1,07700 900202,ben@southmere.test
ZZ-0002,On-call IT,post,on_call_it,2,07700 900210,
ZZ-0003,Shared desk,post,ciso,1,07700 900203,desk@eastvale.test
ZZ-0004,Manager,post,practice_manager,1,,manager@hollow.test
`;

export const numbers = {
  northmoor: '447700900201',
  southmere: '447700900202',
  eastvale: '447700900203',
  sharedOnCall: '447700900210',
} as const;

type Kind = Product['installation']['kind'];

/** Another centre: its rules, its files, and the roles of its two people. */
export type OtherCentre = {
  readonly modelFile: string;
  readonly organisationsCsv: string;
  readonly contactsCsv: string;
  readonly officerRole: string;
  readonly approverRole: string;
};

const healthCentre: OtherCentre = {
  modelFile: 'operating-model.yaml',
  organisationsCsv,
  contactsCsv,
  officerRole: 'duty_officer',
  approverRole: 'approver',
};

/** That of health and care, unless told another. */
export async function openCentre(
  kind: Kind = 'demonstration',
  centre: OtherCentre = healthCentre,
): Promise<Centre> {
  const db = await cloneDatabase();
  const model = must(await loadOperatingModel(centre.modelFile));
  const seals = newSeals();
  const installation = { id: newId(), kind, createdAt: new Date() };
  await db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`insert into kernel.installation (id, kind, created_at)
      values (${installation.id}, ${kind}, now())`);
    const options = { rules: model, secrets: seals.directory, startedAt: new Date() };
    await importFiles(tx, centre, options);
  });
  const live = new LiveViews();
  const product: Product = {
    database: db.web,
    model,
    modelFile: centre.modelFile,
    seals,
    live,
    origin: 'http://localhost',
    passkeyDomain: 'localhost',
    installation,
  };
  live.start(db.web);
  const site = await startSite({
    routes: productRoutes(product),
    contactSessions: contactSessionsOf(db.web),
  });
  const invite = async (name: string, roles: readonly string[]): Promise<Person> => {
    const email = `${name.toLowerCase().replaceAll(' ', '.')}@centre.test`;
    const id = await db.web.withActor(system('test'), async (tx) =>
      must(await invitePerson(tx, { name, email, roles }, { model, now: new Date() })),
    );
    const permissions = permissionsOf(model, roles);
    return { kind: 'person', id, name, permissions, readsUpTo: model.markingCeilings.signedIn };
  };
  const inviteLead = async (name: string, regionCodes: readonly string[]): Promise<Person> => {
    const person = await invite(name, []);
    const role = 'regional_lead';
    await db.web.withActor(system('test'), async (tx) => {
      for (const regionCode of regionCodes) {
        const held = { personId: person.id, role, ...ofRegion(regionCode) };
        must(await giveRole(tx, held, { model, now: new Date() }));
      }
    });
    const held = regionCodes.map((regionCode) => ({ role, ...ofRegion(regionCode) }));
    return { ...person, ...permissionsIn(model, held) };
  };
  return {
    db,
    site,
    product,
    model,
    officer: await invite('Amara Osei', [centre.officerRole]),
    approver: await invite('Tom Lindqvist', [centre.approverRole]),
    visit: (person) => site.visitorAs(person),
    invite,
    inviteLead,
    async close() {
      await live.stop();
      await site.close();
      await db.drop();
    },
  };
}

/** All roles that are given for the centre and nothing smaller. */
export function rolesOfCentre(model: OperatingModel): string[] {
  return Object.keys(model.roles).filter((role) => scopeOfRole(model, role) === 'centre');
}

function newSeals() {
  const key = { id: 1, key: randomBytes(32) };
  const keys = { current: key, all: [key] };
  return sealsOf({ keysOf: () => keys, blindIndexKey: randomBytes(32) });
}

async function importFiles(
  tx: Tx,
  { organisationsCsv: organisations, contactsCsv: contacts }: OtherCentre,
  options: Parameters<typeof importOrganisations>[2],
): Promise<void> {
  const file = (name: string, csv: string) => ({ name, bytes: new TextEncoder().encode(csv) });
  const imported = must(await importOrganisations(tx, file('o.csv', organisations), options));
  assert.deepEqual(imported.refusedRows, []);
  must(await importContacts(tx, file('c.csv', contacts), options));
}

export function must<T>(outcome: Outcome<T>): T {
  assert.ok(outcome.ok, outcome.ok ? '' : `${outcome.message} ${JSON.stringify(outcome.fields)}`);
  return outcome.value;
}

export const wording: Wording = {
  title: 'Ransomware through Citrix gateways',
  severity: 'critical',
  marking: 'CLEAR',
  what: 'ransomware via Citrix',
  doNow: 'Isolate Citrix gateways now. Email safe.',
  notKnown: 'Whether patched gateways are safe.',
  nextUpdateAt: new Date('2099-11-23T04:00:00Z'),
  body: '# Steps\n\n- Disconnect the gateways\n',
  ifActed: '',
  clearLine: 'Ring your IT lead now.',
  ownText: null,
  readerWords: {},
  asksAgain: true,
  content: noContent,
};

/** A draft of the officer, by the verbs. */
export async function draftAlert(
  centre: Centre,
  change: Partial<Wording> = {},
  audience: Partial<AudienceQuestion> = {},
): Promise<string> {
  const draft = { wording: { ...wording, ...change }, audience: { ...everybody, ...audience } };
  const created = await centre.db.web.attempt(centre.officer, (tx) =>
    createAlert(tx, centre.model, draft),
  );
  return must(created).id;
}

export async function submitDraft(centre: Centre, alertId: string): Promise<string> {
  const submitted = await centre.db.web.attempt(centre.officer, (tx) =>
    submitAlert(tx, alertContext(centre.product), { alertId, revision: 1, now: new Date() }),
  );
  return must(submitted).hash;
}

/** Written, submitted by the officer, approved and released by the approver. */
export async function releaseAlert(
  centre: Centre,
  change: Partial<Wording> = {},
  audience: Partial<AudienceQuestion> = {},
): Promise<{ alertId: string; dispatchId: string; number: number }> {
  const alertId = await draftAlert(centre, change, audience);
  const hash = await submitDraft(centre, alertId);
  must(
    await centre.db.web.attempt(centre.approver, (tx) =>
      approveAndRelease(tx, alertContext(centre.product), { alertId, hash, now: new Date() }),
    ),
  );
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    const submission = await findSubmission(tx, version!.id);
    return { alertId, dispatchId: submission!.dispatchId, number: version!.alertNumber };
  });
}

/** The next version of an alert, written and submitted by the officer, released by the approver. */
export async function releaseVersion(
  centre: Centre,
  alertId: string,
  kind: 'update' | 'correction',
  change: Partial<Wording>,
): Promise<void> {
  const hash = await submitVersion(centre, alertId, kind, change);
  const context = alertContext(centre.product);
  must(
    await centre.db.web.attempt(centre.approver, (tx) =>
      approveAndRelease(tx, context, { alertId, hash, now: new Date() }),
    ),
  );
}

/** Submits the next version of an alert that is out; says the hash that waits to be approved. */
export async function submitVersion(
  centre: Centre,
  alertId: string,
  kind: 'update' | 'correction',
  change: Partial<Wording>,
): Promise<string> {
  const context = alertContext(centre.product);
  const now = new Date();
  const submitted = await centre.db.web.attempt(centre.officer, async (tx) => {
    must(await beginVersion(tx, centre.model, { alertId, kind }));
    const version = (await findVersion(tx, alertId))!;
    const audience = version.audience as AudienceQuestion;
    const draft = { wording: { ...version, ...change }, audience };
    must(await saveDraft(tx, { ...draft, alertId, revision: 1 }));
    return await submitAlert(tx, context, { alertId, revision: 2, now });
  });
  return must(submitted).hash;
}

/** Ends an alert that is out, and tells whoever had it. */
export async function endAlert(
  centre: Centre,
  alertId: string,
  how: 'closed' | 'withdrawn',
): Promise<void> {
  const context = alertContext(centre.product);
  const ended = await centre.db.web.attempt(centre.officer, (tx) =>
    how === 'closed'
      ? closeAndTell(tx, context, alertId)
      : withdrawReleased(tx, context, { alertId, reason: 'false alarm' }),
  );
  must(ended);
}

export type SentMessage = {
  id: string;
  channel: string;
  round: number;
  state: string;
  code: string;
  subject: string | null;
  body: string;
  number: string;
  organisations: string[];
};

/** What was planned for a dispatch, with addresses opened, for a test to look at. */
export async function messagesOf(centre: Centre, dispatchId: string): Promise<SentMessage[]> {
  assert.ok(may(centre.officer, 'alert.read'));
  const rows = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<SentMessage & { contactPointId: string; addressSealed: Buffer }>(sql`
      select message.id, channel, round, state, message.code, subject, body, contact_point_id,
        address_sealed,
        array(select organisation.short_name from dispatch.v_credit credit
          join organisations.organisation organisation on organisation.id = credit.organisation_id
          where credit.message_id = message.id order by 1) as organisations
      from dispatch.message message where dispatch_id = ${dispatchId}
      order by round, channel, body`),
  );
  return rows.map((row) => ({
    ...row,
    number: centre.product.seals.openAddress(row.contactPointId, row.addressSealed),
  }));
}

/** The engine's part, without an engine: everything due counts as delivered. */
export async function deliverAll(centre: Centre, dispatchId: string): Promise<void> {
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      update dispatch.message set state = 'delivered', attempt = 1, accepted_at = now(),
        final_at = now()
      where dispatch_id = ${dispatchId} and state = 'ready'`),
  );
}

/** As if nobody had answered in time: every round counts as delivered. */
export async function deliverRounds(centre: Centre, dispatchId: string): Promise<void> {
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      update dispatch.message set state = 'delivered', attempt = 1, due_at = now(),
        accepted_at = now(), final_at = now()
      where dispatch_id = ${dispatchId}`),
  );
}

/** A text from this number arrives and is dealt with, as the worker would. */
export async function textFrom(centre: Centre, number: string, words: string): Promise<string> {
  const id = await textCameFrom(centre, number, words);
  await dealWithReplies(centre);
  return id;
}

/** A text from this number arrives, and waits. */
export async function textCameFrom(centre: Centre, number: string, words: string): Promise<string> {
  const { seals } = centre.product;
  const id = newId();
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      insert into dispatch.reply_inbox (id, gateway_id, provider_id, address_index, address_sealed,
        content_sealed)
      values (${id}, 'notify', ${newId()}, ${seals.indexNumber(number)},
        ${seals.sealNumber(id, number)}, ${seals.sealContent(id, words)})`),
  );
  return id;
}

/** The worker's background tasks by name. */
export function tasksFor(centre: Centre): ReturnType<typeof tasksOf> {
  return tasksOf({ ...centre.product, database: centre.db.worker }, console);
}

/** What the worker does with codes that contacts asked for: several at once. */
export async function sendOwnCodes(centre: Centre): Promise<void> {
  const tasks = tasksFor(centre);
  const asked = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ id: string }>(sql`
      select id from organisations.one_time_code where code_index is null order by asked_at`),
  );
  await Promise.all(asked.map(({ id }) => tasks['own_code_asked']!({ id })));
}

/** What the worker does when it hears of replies. */
export async function dealWithReplies(centre: Centre): Promise<void> {
  await tasksFor(centre)['reply_received']!({});
}

export function boardContextOf(centre: Centre) {
  return boardContext(centre.product);
}

export function contextOf(centre: Centre) {
  return alertContext(centre.product);
}

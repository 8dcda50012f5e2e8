/** What a demonstration folder gets on its first start: a sector, and people to act as. */
import { system, type Permission } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { maskPhoneNumber, parsePhoneNumber } from '#kernel/phone-number.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  createSignInLink,
  findPersonByEmail,
  giveRole,
  invitePerson,
  listPeople,
  letIn,
  ofRegion,
  ofSpace,
  openSpace,
  scopeOfRole,
  setPhone,
} from '#identity/index.ts';
import {
  demonstrationSector,
  importContacts,
  importDemonstrationAudiences,
  importOrganisations,
} from '#organisations/index.ts';
import type { Ground } from './ground.ts';

/**
 * Fictional; the mail domain is reserved (RFC 2606), and the mobiles are the last of Ofcom's for
 * drama, which the sector leaves free. The first person is who the printed link is for.
 */
const people = [
  {
    name: 'Amara Osei',
    email: 'amara.osei@centre.test',
    mobile: '07700 900991',
    does: ['alert.write'],
  },
  {
    name: 'Tom Lindqvist',
    email: 'tom.lindqvist@centre.test',
    mobile: '07700 900992',
    does: ['alert.approve'],
  },
  {
    name: 'Priya Raman',
    email: 'priya.raman@centre.test',
    mobile: '07700 900993',
    does: ['alert.write', 'person.manage'],
  },
] as const;

/**
 * The role of the centre, whatever the rules call it, that is there for this: of those that may,
 * the one that may the least, so that who approves is another than who writes.
 */
function roleFor({ roles }: Ground['model'], does: Permission): string {
  const able = Object.entries(roles).filter(
    ([, { givenFor, may }]) => givenFor === undefined && may.includes(does),
  );
  const [[id] = ['']] = able.toSorted(([, a], [, b]) => a.may.length - b.may.length);
  return id;
}

export function rolesFor(model: Ground['model'], does: readonly Permission[]): string[] {
  return [...new Set(does.map((one) => roleFor(model, one)))];
}

/** Of the first region of the fictional sector. */
const regionalLead = {
  person: { name: 'Rhian Pryce', email: 'rhian.pryce@centre.test', roles: [] },
  held: ofRegion('ZZ-R1'),
} as const;

/** A closed circle, with a lead who has no other role, and the officer in it. */
const spaceLead = { name: 'Elin Marsh', email: 'elin.marsh@trust.test', roles: [] } as const;
const space = {
  name: 'Remote access',
  purpose: 'Who answers for gateways to remote access.',
} as const;
const READS_FOR_MS = 180 * 86_400_000;

/** Whom a live folder begins with; the link is printed once, and they invite the others. */
const firstAdministrator = {
  name: 'First administrator',
  email: 'administrator@centre.invalid',
} as const;

const actor = system('start');

/**
 * Makes the sector and the people of a demonstration, once; the same importers as for real files do
 * it. All in one transaction, so that a start that is killed half-way begins anew.
 */
export async function welcomeDemonstration(ground: Ground): Promise<void> {
  const { model, seals } = ground;
  await withDatabase(ground, async (database) => {
    const made = await database.attempt(actor, async (tx) => {
      if ((await listPeople(tx)).length > 0) return ok(undefined);
      const files = demonstrationSector({ rules: model });
      const now = new Date();
      const options = { rules: model, secrets: seals.directory, startedAt: now };
      const file = (name: string, csv: string) => ({ name, bytes: new TextEncoder().encode(csv) });
      const organisations = file('organisations.csv', files.organisations);
      const imported = await importOrganisations(tx, organisations, options);
      if (!imported.ok) return imported;
      const contacts = await importContacts(tx, file('contacts.csv', files.contacts), options);
      if (!contacts.ok) return contacts;
      const audiences = await importDemonstrationAudiences(tx, { now, rules: model });
      if (!audiences.ok) return audiences;
      for (const person of people) {
        const roles = rolesFor(model, person.does);
        const invited = await invitePerson(tx, { ...person, roles }, { model, now });
        if (!invited.ok) return invited;
        const phone = phoneOf(invited.value, person.mobile, ground);
        const kept = await setPhone(tx, invited.value, phone);
        if (!kept.ok) return kept;
      }
      const led = await welcomeSpace(tx, model, now);
      if (!led.ok) return led;
      const role = scopedRole(model, 'region');
      if (role === undefined) return ok(undefined);
      const lead = await invitePerson(tx, regionalLead.person, { model, now });
      if (!lead.ok) return lead;
      const held = { personId: lead.value, role, ...regionalLead.held };
      return await giveRole(tx, held, { model, now });
    });
    if (!made.ok) throw new Error(`the demonstration sector was refused: ${made.message}`);
  });
}

/** The first role that the rules give for this. */
function scopedRole(model: Ground['model'], kind: 'region' | 'space'): string | undefined {
  return Object.keys(model.roles).find((role) => scopeOfRole(model, role) === kind);
}

async function welcomeSpace(tx: Tx, model: Ground['model'], now: Date): Promise<Outcome<unknown>> {
  const role = scopedRole(model, 'space');
  if (role === undefined) return ok(undefined);
  const opened = await openSpace(tx, space, { now });
  if (!opened.ok) return opened;
  const lead = await invitePerson(tx, spaceLead, { model, now });
  if (!lead.ok) return lead;
  const held = { personId: lead.value, role, ...ofSpace(opened.value) };
  const given = await giveRole(tx, held, { model, now });
  if (!given.ok) return given;
  const until = new Date(now.getTime() + READS_FOR_MS);
  return await letIn(tx, { spaceId: opened.value, email: people[0].email, until });
}

/** As it is woken on: sealed for this person. */
function phoneOf(personId: string, mobile: string, { seals }: Ground) {
  const parsed = parsePhoneNumber(mobile);
  if (!parsed.ok) throw new Error(parsed.message);
  const { e164 } = parsed.value;
  return { ...seals.sealPhone(personId, e164), mask: maskPhoneNumber({ e164 }) };
}

/** What is printed under the address: a one-time link, or how to get one. */
export async function signInAdvice(ground: Ground): Promise<string> {
  const { config, folder, model } = ground;
  const now = new Date();
  const isDemonstration = folder.installation.kind === 'demonstration';
  return await withDatabase(ground, async (database) => {
    const link = await database.attempt(actor, async (tx) => {
      if (isDemonstration) {
        const person = await findPersonByEmail(tx, people[0].email);
        if (person === undefined) return refused('not_found', 'nobody');
        return await createSignInLink(tx, { personId: person.id, model, now });
      }
      if ((await listPeople(tx)).length > 0) return refused('conflict', 'people are here already');
      const roles = inviters(model);
      const invited = await invitePerson(tx, { ...firstAdministrator, roles }, { model, now });
      if (!invited.ok) return invited;
      return await createSignInLink(tx, { personId: invited.value, model, now });
    });
    if (!link.ok) return 'Sign in:          bin/tocsin sign-in-link --email YOUR-ADDRESS';
    const who = isDemonstration ? people[0].name : firstAdministrator.name;
    return `Sign in, once:    ${config.url}/sign-in/link/${link.value.token}  (as ${who})`;
  });
}

/** The roles, whatever the rules call them, that may invite the others. */
function inviters({ roles }: Ground['model']): string[] {
  return Object.keys(roles).filter(
    (id) => roles[id]!.givenFor === undefined && roles[id]!.may.includes('person.manage'),
  );
}

async function withDatabase<T>(
  ground: Ground,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = ground.open('tocsin_web', 2);
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}

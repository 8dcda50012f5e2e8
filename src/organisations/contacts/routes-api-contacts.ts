/** Contacts for programs: the verbs of the pages, refused for the same reasons. */
import { z } from 'zod';
import { ZONE } from '#kernel/day.ts';
import { newId } from '#kernel/ids.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  api,
  instant,
  json,
  listOf,
  notFound,
  problem,
  refuseBody,
  uuid,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { addContact, changeContact, endContact, returnContact } from './contacts.ts';
import { recordView } from './looks.ts';
import { recordAbsence, setHours } from './duty.ts';
import { parseContactForm, type ContactForm } from './form-contact.ts';
import { historyLines } from '../form-history.ts';
import {
  bodyShape,
  changeShape,
  contactShape,
  hoursShape,
  offNames,
  toldShape,
  version,
} from './routes-api-contact-shapes.ts';
import type { OrganisationApiContext } from '../routes-api-context.ts';
import { sayingWhoIsTwice } from './routes-contacts.ts';
import { findContact, type ContactRecord } from './store-contacts.ts';
import { listHours, listToldAt } from './store-duty.ts';
import { listChanges } from '../store-history.ts';
import { findOrganisationRecord } from '../store.ts';

const params = z.object({ id: z.uuid() });
const CHANGES_MAX = 200;

export function contactApiRoutes(context: OrganisationApiContext): Route[] {
  return [
    ...writeRoutes(context),
    ...endRoutes(context),
    ...dutyRoutes(context),
    ...readRoutes(context),
  ];
}

/** The body as the form of the page has it; the names of its fields are those of a file. */
function formOf(body: Readonly<Record<string, unknown>>): Form {
  const entries = Object.entries(body).flatMap(([name, value]): [string, string | string[]][] => {
    if (name === 'off' && Array.isArray(value)) return [['off', value.map(String).map(snake)]];
    return typeof value === 'string' || typeof value === 'number'
      ? [[snake(name), String(value)]]
      : [];
  });
  return Object.fromEntries(entries);
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelFields(why: Refused): Refused {
  const camel = (name: string) =>
    name.replaceAll(/_([a-z])/g, (_, one: string) => one.toUpperCase());
  const fields = Object.entries(why.fields).map(([name, reason]) => [camel(name), reason]);
  return { ...why, fields: Object.fromEntries(fields) };
}

function writeRoutes({
  database,
  rules,
  secrets,
  textPermissions,
}: OrganisationApiContext): Route[] {
  const parsed = (body: Readonly<Record<string, unknown>>, stored?: ContactRecord) =>
    parseContactForm(formOf(body), { rules, textPermissions, ...(stored && { stored }) });
  return [
    api({
      method: 'POST',
      path: '/api/v1/organisations/:id/contacts',
      access: 'directory.write',
      params,
      body: z.strictObject(bodyShape(rules)),
      api: { summary: 'Add a contact', responses: { 201: contactShape } },
      async handle({ actor, params: { id: organisationId }, body }) {
        const found = await database.withActor(actor, (tx) =>
          findOrganisationRecord(tx, organisationId),
        );
        if (found === undefined) return notFound();
        const fields = parsed(body);
        if (!fields.ok) return problem(camelFields(fields));
        const contact = { id: newId(), organisationId, ...fields.value };
        const done = await sayingWhoIsTwice(() =>
          database.attempt(actor, (tx) => addContact(tx, contact, secrets)),
        );
        if (!done.ok) return problem(camelFields(done));
        return await database.withActor(actor, (tx) => contactReply(tx, done.value, 201));
      },
    }),
    api({
      method: 'PUT',
      path: '/api/v1/contacts/:id',
      access: 'directory.write',
      params,
      body: z.strictObject({
        ...bodyShape(rules),
        version,
        off: z.array(z.enum(offNames)).max(5).default([]).describe('What to take off'),
      }),
      api: { summary: 'Change a contact', responses: { 200: contactShape } },
      async handle({ actor, params: { id }, body }) {
        const stored = await database.withActor(actor, (tx) => findContact(tx, id));
        if (stored === undefined) return notFound();
        const fields = parsed(body, stored);
        if (!fields.ok) return problem(camelFields(fields));
        const change: ContactForm & { id: string; version: string } = {
          ...fields.value,
          id,
          version: body.version,
        };
        const done = await sayingWhoIsTwice(() =>
          database.attempt(actor, (tx) => changeContact(tx, change, secrets)),
        );
        if (!done.ok) return problem(camelFields(done));
        return await database.withActor(actor, (tx) => contactReply(tx, id, 200));
      },
    }),
  ];
}

async function contactReply(tx: Tx, id: string, status: number): Promise<Reply> {
  const contact = await findContact(tx, id);
  if (contact === undefined) return notFound();
  const { organisationCode: _, organisationName: __, ...rest } = contact;
  const points = contact.points.map(({ contactPointId, channel, shown, othersCount }) => ({
    contactPointId,
    channel,
    shown,
    sharedWith: othersCount,
  }));
  return json(status, { ...rest, points });
}

function endRoutes({ database }: OrganisationApiContext): Route[] {
  const act = (
    path: 'leave' | 'return',
    summary: string,
    verb: typeof endContact | typeof returnContact,
  ) =>
    api({
      method: 'POST',
      path: `/api/v1/contacts/:id/${path}`,
      access: 'directory.write',
      params,
      api: { summary, responses: { 200: contactShape } },
      async handle({ actor, params: { id }, rawBody }) {
        const wrong = refuseBody(rawBody);
        if (wrong) return problem(wrong);
        const done = await database.attempt<unknown>(actor, (tx) => verb(tx, id));
        if (!done.ok) return problem(done);
        return await database.withActor(actor, (tx) => contactReply(tx, id, 200));
      },
    });
  return [
    act('leave', 'Somebody has left: kept, and told nothing', endContact),
    act('return', 'Somebody is told again, at the rank they had', returnContact),
  ];
}

function dutyRoutes({ database }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'PUT',
      path: '/api/v1/contacts/:id/hours',
      access: 'directory.write',
      params,
      body: z.strictObject({ version, hours: z.array(hoursShape).max(50) }),
      api: {
        summary: 'Weekly duty hours in the place of what there was; none: always on duty',
        responses: { 200: contactShape },
      },
      async handle({ actor, params: { id }, body }) {
        const starts = body.hours.map(({ weekday, startsAt }) => `${weekday} ${startsAt}`);
        if (new Set(starts).size < starts.length) {
          const why = 'Two begin at the same time of the same day';
          return problem(refused('invalid', why, { hours: why }));
        }
        const hours = body.hours.toSorted(
          (a, b) => a.weekday - b.weekday || (a.startsAt < b.startsAt ? -1 : 1),
        );
        const done = await database.attempt(actor, (tx) =>
          setHours(tx, { contactId: id, version: body.version, hours, timeZone: ZONE }),
        );
        if (!done.ok) return problem(done);
        return await database.withActor(actor, (tx) => contactReply(tx, id, 200));
      },
    }),
    api({
      method: 'POST',
      path: '/api/v1/contacts/:id/absences',
      access: 'directory.write',
      params,
      body: z.strictObject({ from: instant, until: instant, cover: uuid.nullable().default(null) }),
      api: {
        summary: 'Somebody is away, and who is told in their place',
        responses: { 201: z.strictObject({ id: uuid }) },
      },
      async handle({ actor, params: { id: contactId }, body, now }) {
        const absence = {
          id: newId(),
          contactId,
          startsAt: new Date(body.from),
          endsAt: new Date(body.until),
          coverId: body.cover,
        };
        const done = await database.attempt(actor, (tx) => recordAbsence(tx, absence, now));
        return done.ok ? json(201, { id: absence.id }) : problem(done);
      },
    }),
  ];
}

function readRoutes({ database, rules }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/contacts/:id',
      access: 'directory.read',
      params,
      api: { summary: 'One contact, addresses masked', responses: { 200: contactShape } },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          const contact = await findContact(tx, id);
          if (contact === undefined) return notFound();
          await recordView(tx, contact);
          return await contactReply(tx, id, 200);
        }),
    }),
    api({
      method: 'GET',
      path: '/api/v1/contacts/:id/hours',
      access: 'directory.read',
      params,
      api: { summary: 'Weekly duty hours; none: always', responses: { 200: listOf(hoursShape) } },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          if ((await findContact(tx, id)) === undefined) return notFound();
          return json(200, { rows: await listHours(tx, id), next: null });
        }),
    }),
    api({
      method: 'GET',
      path: '/api/v1/organisations/:id/chain',
      access: 'directory.read',
      params,
      query: z.strictObject({ at: instant.optional().describe('Now unless told') }),
      api: { summary: 'Whom the chain tells at a moment', responses: { 200: listOf(toldShape) } },
      handle: async ({ actor, params: { id }, query: { at }, now }) =>
        await database.withActor(actor, async (tx) => {
          if ((await findOrganisationRecord(tx, id)) === undefined) return notFound();
          const moment = at === undefined ? now : new Date(at);
          return json(200, { rows: await listToldAt(tx, id, { moment }), next: null });
        }),
    }),
    api({
      method: 'GET',
      path: '/api/v1/organisations/:id/changes',
      access: 'directory.read',
      params,
      api: {
        summary: 'What was changed of an organisation and its contacts, newest first',
        responses: { 200: listOf(changeShape) },
      },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          if ((await findOrganisationRecord(tx, id)) === undefined) return notFound();
          const lines = historyLines(await listChanges(tx, id, { limit: CHANGES_MAX }), rules);
          const rows = lines.map(({ at, who, subject, contactId, words }) => {
            return { at, who, subject, contactId, words };
          });
          return json(200, { rows, next: null });
        }),
    }),
  ];
}

/** The switch for programs. Letting back takes two persons, and no program is one. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import { api, instant, json, listOf, notFound, problem, uuid, type Route } from '#web/index.ts';
import type { OrganisationApiContext } from '../routes-api-context.ts';
import { findOrganisationRecord } from '../store.ts';
import { cutOff } from './cut-off.ts';
import { findCutOff, listCutOff } from './store-cut-off.ts';

const params = z.object({ id: z.uuid() });

const cutOffShape = z.strictObject({
  cutOff: z
    .strictObject({
      since: instant,
      reason: z.string(),
      domains: z.array(z.string()),
      byName: z.string(),
    })
    .nullable()
    .describe('Null: it is not cut off'),
});

const doneShape = z.strictObject({
  people: z.int().describe('Who hold a role for it'),
  sessions: z.int(),
  signIns: z.int().describe('Links and codes that open nothing any more'),
  invitations: z.int(),
  keys: z.int(),
  issuers: z.int().describe('Sign-ins of its own that are off from now on'),
  codeSessions: z.int(),
  addresses: z.int().describe('Where nothing goes now'),
  suppressed: z.int().describe('Messages that were on their way there'),
});

const reason = z.string().meta({ examples: ['Their CISO rang: mail server taken over'] });

const rowShape = z.strictObject({
  organisationId: uuid,
  code: z.string(),
  name: z.string(),
  since: instant,
  byName: z.string(),
});

export function cutOffApiRoutes(context: OrganisationApiContext): Route[] {
  return [...readingRoutes(context), ...switchRoutes(context)];
}

async function readOne(tx: Tx, organisationId: string) {
  const cut = await findCutOff(tx, organisationId);
  if (cut === undefined) return json(200, { cutOff: null });
  const { id: _, ...told } = cut;
  return json(200, { cutOff: told });
}

function readingRoutes({ database }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/cut-off',
      access: 'directory.read',
      api: {
        summary: 'Organisations that are cut off now, the newest first',
        responses: { 200: listOf(rowShape) },
      },
      handle: async ({ actor }) =>
        json(200, { rows: await database.withActor(actor, listCutOff), next: null }),
    }),
    api({
      method: 'GET',
      path: '/api/v1/organisations/:id/cut-off',
      access: 'directory.read',
      params,
      api: { summary: 'Whether it is cut off', responses: { 200: cutOffShape } },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) =>
          (await findOrganisationRecord(tx, id)) === undefined ? notFound() : readOne(tx, id),
        ),
    }),
  ];
}

function switchRoutes({ database }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'POST',
      path: '/api/v1/organisations/:id/cut-off',
      access: 'organisation.cut_off',
      params,
      body: z.strictObject({
        reason,
        domains: z
          .array(z.string())
          .max(50)
          .optional()
          .describe('Mail domains of its network; absent: those that are known as its own'),
      }),
      api: {
        summary: 'Cut it off: its sessions, codes and keys end, and nothing goes to its mail',
        responses: { 200: doneShape },
      },
      async handle({ actor, params: { id }, body, now }) {
        const cutting = { organisationId: id, reason: body.reason, domains: body.domains };
        const done = await database.attempt(actor, (tx) => cutOff(tx, cutting, now));
        return done.ok ? json(200, done.value) : problem(done);
      },
    }),
  ];
}

/** Parents by date for programs: the verb of the page. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import {
  api,
  day,
  instant,
  json,
  listOf,
  notFound,
  pageOf,
  pageQuery,
  problem,
  uuid,
  type Route,
} from '#web/index.ts';
import { searchCursor, searchKey } from './form-search.ts';
import { nameText } from './suppliers/form-use.ts';
import type { OrganisationApiContext } from './routes-api-context.ts';
import { setParent } from './set-parent.ts';
import { findFacts } from './store-facts.ts';
import { listChildren, listParents } from './store-parents.ts';
import { lookAhead } from './successions/ahead.ts';
import { asAtOf } from './as-at.ts';

const params = z.object({ id: z.uuid() });

const parentShape = z.strictObject({
  id: uuid,
  code: z.string(),
  name: z.string(),
  closedOn: day.nullable().describe('Its own last day'),
  from: day.nullable().describe('The first day; null: nobody said since when'),
  until: day.nullable().describe('The last day; null: no end is known'),
  saidBy: z.string(),
  recordedAt: instant,
});

const parentBody = z.strictObject({
  parent: z
    .string()
    .transform((code) => code.toUpperCase())
    .nullable()
    .describe('Code of an organisation; null: it has none')
    .meta({ examples: ['ZZ-0001'] }),
  from: day.nullable().default(null).describe('Null: today, or ever where nothing was known'),
  until: day.nullable().default(null).describe('Null: until another day of which more is known'),
  saidBy: nameText(120, 'Say who told you').meta({ examples: ['Register, April 2027'] }),
});

const childShape = z.strictObject({
  id: uuid,
  code: z.string(),
  name: z.string(),
  type: z.string(),
  closedOn: day.nullable(),
  until: day.nullable().describe('The last day below this parent'),
});

export function parentApiRoutes({ database }: OrganisationApiContext): Route[] {
  const summary = 'Below whom it stands, stood and will stand; the latest first';
  return [
    api({
      method: 'GET',
      path: '/api/v1/organisations/:id/parents',
      access: 'directory.read',
      params,
      api: { summary, responses: { 200: listOf(parentShape) } },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          if ((await findFacts(tx, id)) === undefined) return notFound();
          return json(200, { rows: await listParents(tx, id), next: null });
        }),
    }),
    api({
      method: 'POST',
      path: '/api/v1/organisations/:id/parents',
      access: 'directory.write',
      params,
      body: parentBody,
      api: {
        summary: 'Say below whom it stands, from a day on; said again it changes nothing',
        responses: { 200: listOf(parentShape) },
      },
      async handle({ actor, params: { id }, body, now }) {
        const today = londonDay(now);
        const done = await database.attempt(actor, (tx) =>
          setParent(tx, { ...body, organisationId: id, today }),
        );
        if (!done.ok) return problem(done);
        const rows = await database.withActor(actor, (tx) => listParents(tx, id));
        return json(200, { rows, next: null });
      },
    }),
    api({
      method: 'GET',
      path: '/api/v1/organisations/:id/children',
      access: 'directory.read',
      params,
      query: z.strictObject({
        on: day.optional().describe('Of another day than today'),
        ...pageQuery(searchCursor),
      }),
      api: {
        summary: 'Who stands straight below it on a day, by name',
        responses: { 200: listOf(childShape) },
      },
      handle: async ({ actor, params: { id }, query: { on, after, limit }, now }) =>
        await database.withActor(actor, async (tx) => {
          if ((await findFacts(tx, id)) === undefined) return notFound();
          const search = { parentId: id, on: on ?? londonDay(now), after };
          const found = await lookAhead(tx, asAtOf(on ?? '', now), () =>
            listChildren(tx, { ...search, limit: limit + 1 }),
          );
          return found.ok ? json(200, pageOf(found.value, limit, searchKey)) : problem(found);
        }),
    }),
  ];
}

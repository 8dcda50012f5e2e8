/** One organisation on a day for programs: what its page says "as at". */
import { z } from 'zod';
import { api, day, instant, json, notFound, problem, uuid, type Route } from '#web/index.ts';
import { asAtOf } from './as-at.ts';
import { hoursShape } from './contacts/routes-api-contact-shapes.ts';
import type { OrganisationApiContext } from './routes-api-context.ts';
import { readOrganisationOn } from './routes-as-at.ts';
import { listParents } from './store-parents.ts';
import { lookAhead } from './successions/ahead.ts';

const organisationOn = z.strictObject({
  id: uuid,
  day,
  code: z.string(),
  name: z.string(),
  shortName: z.string(),
  type: z.string().describe('A key of `organisation_types` in the operating model'),
  regionName: z.string().nullable(),
  systemName: z.string().nullable(),
  mustAnswer: z.boolean(),
  openedOn: day.nullable(),
  closedOn: day.nullable().describe('The last day on which it existed'),
  existed: z.boolean().describe('That day lies between its own first and last'),
  parent: z
    .strictObject({ id: uuid, code: z.string(), name: z.string() })
    .nullable()
    .describe('Below whom it stood'),
  uses: z
    .array(z.strictObject({ supplier: z.string(), product: z.string().nullable() }))
    .describe('What it used, as far as anybody said, by name'),
  tags: z.array(z.string()).describe('By name'),
  contacts: z
    .array(
      z.strictObject({
        name: z.string(),
        isPost: z.boolean(),
        role: z.string(),
        rank: z.int(),
        texts: z.int().describe('How many numbers it had that can be texted'),
        mails: z.int().describe('How many addresses it had'),
        dutyHours: z.array(hoursShape).describe('By the week, at the end of the day; none: always'),
        absences: z
          .array(
            z.strictObject({
              from: instant,
              until: instant,
              cover: z.string().nullable().describe('Who stands in, by name'),
            }),
          )
          .describe('Those that touch the day'),
      }),
    )
    .describe('Who was told, by rank, then name'),
});

export function asAtApiRoutes({ database }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/organisations/:id/as-at/:day',
      access: 'directory.read',
      params: z.object({ id: z.uuid(), day }),
      api: {
        summary: 'One organisation and its contacts on a day, without numbers or addresses',
        responses: { 200: organisationOn },
      },
      handle: async ({ actor, params, now }) =>
        await database.withActor(actor, async (tx) => {
          const asAt = asAtOf(params.day, now) ?? { day: params.day, isPast: false };
          const seen = await lookAhead(tx, asAt, async () => {
            const found = await readOrganisationOn(tx, params.id, asAt);
            if (found === undefined) return notFound();
            const parent = (await listParents(tx, found.id)).find((row) => holds(row, asAt.day));
            return json(200, {
              ...found,
              day: asAt.day,
              existed: holds({ from: found.openedOn, until: found.closedOn }, asAt.day),
              parent: parent ? { id: parent.id, code: parent.code, name: parent.name } : null,
            });
          });
          return seen.ok ? seen.value : problem(seen);
        }),
    }),
  ];
}

/** Both days count; null: no end to that side. */
function holds(
  { from, until }: { readonly from: string | null; readonly until: string | null },
  on: string,
): boolean {
  return (from === null || from <= on) && (until === null || until >= on);
}

/** The dry run for programs: the numbers of the page. */
import { z } from 'zod';
import {
  api,
  because,
  instant,
  json,
  notFound,
  pageOf,
  pageQuery,
  problem,
  uuid,
  type Route,
} from '#web/index.ts';
import { dryRun, type LongestText } from './dry-run.ts';
import type { AlertRoutesContext } from './pages.ts';
import { gapCursor, gapKey } from './routes-dry-run.ts';
import { readerGiven } from './readers/routes-api-shapes.ts';
import { findVersion } from './store.ts';

const channel = z.enum(['text', 'mail']);
const milliseconds = z.int().nullable().describe('In ms after the release, if it were now');

const shape = z.strictObject({
  countedAt: instant.describe('When all of it was counted'),
  organisations: z.int(),
  mustAnswer: z.int(),
  rounds: z.array(
    z.strictObject({
      round: z.int(),
      channel,
      ranks: z.array(z.int()),
      opensAfterMs: z.int().describe('After the release'),
      reminds: z
        .boolean()
        .describe('To those of an earlier round who have not answered, once more'),
      heldUntil: instant.nullable().describe('Quiet hours that hold it end then'),
      organisations: z.int(),
      people: z.int(),
      messages: z.int(),
      fragments: z.int().describe('Billed parts; 0 for mails'),
      cost: z.string().nullable().describe('With VAT; null for mails'),
    }),
  ),
  following: z
    .array(
      z.strictObject({
        channel,
        heldUntil: instant.nullable().describe('Quiet hours that hold it end then'),
        organisations: z.int(),
        messages: z.int(),
        fragments: z.int().describe('Billed parts; 0 for mails'),
        cost: z.string().nullable().describe('With VAT; null for mails'),
      }),
    )
    .describe(
      'The update or correction, at once, to who had a version before and is told by no round',
    ),
  firstRoundCost: z.string().describe('With VAT'),
  costAtMost: z.string().describe('With VAT, if nobody answers'),
  overCap: z
    .strictObject({ cap: z.string().describe('With VAT'), because })
    .nullable()
    .describe('Where it may cost more than the rules let it; it stops nobody'),
  longest: z
    .array(
      z.strictObject({
        reader: readerGiven,
        readerLabel: z.string().nullable(),
        round: z.int().nullable().describe('Null: the update or correction, beside the rounds'),
        organisationId: uuid,
        name: z.string(),
        text: z.string().describe('Whole, with an example code'),
        characters: z.int(),
        fragments: z.int(),
      }),
    )
    .describe(
      'The longest text in the general words, and in those of each reader kind with its own',
    ),
  forecast: z
    .strictObject({
      everyOrganisationMs: milliseconds,
      withoutText: z.int().describe('Organisations that no text reaches in any round'),
      firstRoundMs: milliseconds,
      lastTextMs: milliseconds,
      capacity: z.strictObject({
        ratePerSecond: z.number(),
        burst: z.number(),
        tokens: z.number(),
        pausedForMs: z.number(),
        ahead: z.int().describe('Texts that wait now, in the same lane or a more urgent one'),
      }),
    })
    .nullable()
    .describe('Null where nothing goes by text, or no gateway takes texts'),
  failedOnly: z
    .int()
    .describe('Organisations that are reached only by numbers and addresses that failed'),
  offDuty: z
    .strictObject({
      counts: z.strictObject({
        stands_in: z.int().describe('Away, and their cover is told in their place'),
        left_out: z.int().describe('A colleague is on duty who is told no later'),
        told: z.int().describe('Told all the same: nobody else would be, or asked for by role'),
      }),
      contacts: z
        .array(
          z.strictObject({
            organisationId: uuid,
            code: z.string(),
            name: z.string(),
            mustAnswer: z.boolean(),
            role: z.string(),
            rank: z.int(),
            outcome: z.enum(['stands_in', 'left_out', 'told']),
            coverRole: z.string().nullable(),
            told: z.array(channel).describe('By what they, or who stands in, are told'),
          }),
        )
        .describe('The first 20, those of organisations that must answer first'),
    })
    .describe('Contacts who are off duty or away now, and what comes of it'),
  gapCounts: z.strictObject({
    organisations: z.int(),
    mustAnswer: z.int(),
    unreachable: z.int().describe('Those that no round reaches'),
  }),
  gaps: z
    .strictObject({
      rows: z.array(
        z.strictObject({
          organisationId: uuid,
          code: z.string(),
          name: z.string(),
          mustAnswer: z.boolean(),
          telephone: z.string().nullable(),
          silentRounds: z.array(z.int()).describe('Rounds in which nobody of it is told'),
        }),
      ),
      next: z.string().nullable().describe('Give it back as `after`; null on the last page'),
    })
    .describe('Organisations without a usable chain to the end, those that must answer first'),
});

export function dryRunApiRoutes(context: AlertRoutesContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/alerts/:id/dry-run',
      access: 'alert.read',
      params: z.object({ id: z.uuid() }),
      query: z.strictObject(pageQuery(gapCursor)),
      api: {
        summary: 'Whom it would reach if it were released now, what that costs, how long it takes',
        responses: { 200: shape },
      },
      handle: async ({ actor, params: { id }, query: { after, limit }, now }) =>
        await context.database.withActor(actor, async (tx) => {
          const version = await findVersion(tx, id);
          if (version === undefined) return notFound();
          const page = { after, limit: limit + 1 };
          const found = await dryRun(tx, context, { version, page, now });
          if (!found.ok) return problem(found);
          const { gaps, longest, overCap, ...run } = found.value;
          return json(200, {
            ...run,
            overCap:
              overCap === undefined ? null : { ...overCap, because: overCap.because ?? null },
            countedAt: now,
            longest: longest.map(flat),
            gaps: pageOf(gaps, limit, gapKey),
          });
        }),
    }),
  ];
}

function flat({ text: { text, characters, fragments }, ...rest }: LongestText) {
  return { ...rest, text, characters, fragments };
}

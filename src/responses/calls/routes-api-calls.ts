/** The call list for programs: who is to be rung, taking a name, and what came of ringing. */
import { z } from 'zod';
import { mayIn, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  api,
  instant,
  json,
  notFound,
  oneLine,
  problem,
  refuseBody,
  uuid,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { AnswerRules } from '../actions.ts';
import { answerKinds } from '../model.ts';
import { claimCall, giveBackCall, recordAttempt, type Attempt, type Name } from './calls.ts';
import { callOutcomes, ringReasons } from './model.ts';
import { listAttempts } from './store-attempts.ts';
import {
  findCalledAlert,
  findOpenCall,
  findRung,
  listToRing,
  type OpenCall,
} from './store-calls.ts';
import { listWays, type CallWay } from './ways.ts';

type CallApiContext = { readonly database: Database; readonly model: AnswerRules };

/** As many as the page shows: more than anybody rings before they look again. */
const NAMES_MAX = 100;

const listQuery = z.strictObject({
  region: oneLine(20).optional().describe('Code of a region: only its organisations'),
  limit: z.coerce.number().int().min(1).max(NAMES_MAX).default(NAMES_MAX),
});

const why = z
  .enum(ringReasons)
  .describe(
    'Told by phone alone of what was withdrawn; nothing reaches them; nobody knows whether anything left; reached, and silent',
  );

const outcome = z.enum(callOutcomes);

const earlierCallAt = instant
  .nullable()
  .describe('Told by phone of a version before, which asked another thing: ring again');

const isCutOff = z
  .boolean()
  .describe('Its network is in foreign hands: ring mobiles, believe no mail from it');

const name = z.strictObject({
  organisationId: uuid,
  name: z.string(),
  regionName: z.string().nullable(),
  why,
  saysAffected: z.boolean().describe('Said so before a correction took their answer back'),
  earlierCallAt,
  attempts: z.int().describe('Since what is out went out'),
  lastAttemptAt: instant.nullable(),
  lastOutcome: outcome.nullable(),
  lastTriedByName: z.string().nullable(),
  claimedBy: z.string().nullable().describe('Whoever rings them now'),
  claimedByName: z.string().nullable(),
  claimedAt: instant.nullable(),
  isCutOff,
});

const callList = z.strictObject({
  names: z.int().describe('How many are to be rung, those beyond `limit` too'),
  rows: z.array(name).describe('In the order to ring them; whom somebody has comes last'),
});

const way = z.strictObject({
  contactPointId: uuid.nullable().describe('Null: the switchboard'),
  name: z.string(),
  role: z.string(),
  isOff: z.boolean().describe('Off duty or away'),
  number: z.string().describe('Masked, but for the switchboard'),
  lastOutcome: outcome.nullable(),
});

const call = z.strictObject({
  organisationId: uuid,
  name: z.string(),
  why: why.nullable().describe('Null: there is no reason to ring them'),
  acknowledgedAt: instant.nullable(),
  openedAt: instant.nullable().describe('Somebody opened it with its code, which is no answer'),
  earlierCallAt,
  claimedByName: z.string().nullable(),
  claimEndsAt: instant.nullable().describe('From then on anybody may take it'),
  next: way.nullable().describe('Which of `ways` to ring now; null where none is left'),
  ways: z.array(way).describe('In the order of the chain, the switchboard last'),
  attempts: z.array(
    z.strictObject({
      at: instant,
      contactPointId: uuid.nullable(),
      outcome,
      triedByName: z.string(),
      note: z.string().nullable(),
    }),
  ),
});

const callState = z.strictObject({
  alertId: uuid,
  organisationId: uuid,
  claimedByName: z.string().nullable(),
  claimEndsAt: instant.nullable(),
});

const attemptBody = z.strictObject({
  contactPointId: z.uuid().nullable().describe('The number that was rung; null: the switchboard'),
  outcome: outcome.describe(
    '`reached` and `left_word` end the call; with the others you go on with the next number',
  ),
  said: z.enum(answerKinds).optional().describe('What they said; needed where they were reached'),
  note: z
    .string()
    .trim()
    .max(1000, { abort: true })
    .regex(/^(?:[\t\n\r]|\P{Cc})*$/u, 'No control characters here')
    .default('')
    .describe('Who said what; needed where word was left'),
});

const idParams = z.object({ id: z.uuid() });
const nameParams = z.object({ id: z.uuid(), organisationId: z.uuid() });

export function callApiRoutes(context: CallApiContext): Route[] {
  return [listRoute(context), nameRoute(context), ...claimRoutes(context), attemptRoute(context)];
}

function listRoute({ database }: CallApiContext): Route {
  return api({
    method: 'GET',
    path: '/api/v1/alerts/:id/calls',
    access: 'alert.read',
    params: idParams,
    query: listQuery,
    api: {
      summary: 'Who is to be rung: must answer, has not, and of whom nobody is left to be told',
      responses: { 200: callList },
    },
    handle: async ({ actor, params: { id: alertId }, query: { region, limit: most } }) =>
      await database.withActor(actor, async (tx) => {
        if ((await findCalledAlert(tx, alertId)) === undefined) return notFound();
        const regionCodes = region === undefined ? undefined : [region];
        const found = await listToRing(tx, { alertId, regionCodes, most });
        const rows = found.map((row) => {
          const { names: _, ...name } = row;
          return name;
        });
        return json(200, { names: found[0]?.names ?? 0, rows });
      }),
  });
}

function nameRoute({ database }: CallApiContext): Route {
  return api({
    method: 'GET',
    path: '/api/v1/alerts/:id/calls/:organisationId',
    access: 'alert.read',
    params: nameParams,
    api: {
      summary: 'One name of the call list: its numbers, and what was tried',
      responses: { 200: call },
    },
    handle: async ({ actor, params: { id: alertId, organisationId } }) =>
      await database.withActor(
        actor,
        async (tx) => await showName(tx, { alertId, organisationId }),
      ),
  });
}

async function showName(tx: Tx, { alertId, organisationId }: Name): Promise<Reply> {
  const rung = await findRung(tx, alertId, organisationId);
  if (rung === undefined || !mayIn(tx.actor, 'alert.read', rung.regionCode)) return notFound();
  const open = await findOpenCall(tx, alertId, organisationId);
  const attempts = await listAttempts(tx, alertId, organisationId);
  const ways = await listWays(tx, rung, attempts);
  return json(200, {
    organisationId,
    name: rung.name,
    why: rung.why,
    acknowledgedAt: rung.acknowledgedAt,
    openedAt: rung.openedAt,
    earlierCallAt: rung.earlierCallAt,
    ...heldNow(open),
    next: ways.next === undefined ? null : wayOf(ways.next),
    ways: ways.all.map(wayOf),
    attempts,
  });
}

function wayOf({ contactPointId, name, role, isOff, shown, lastOutcome }: CallWay) {
  return { contactPointId, name, role, isOff, number: shown, lastOutcome: lastOutcome ?? null };
}

function heldNow(open: OpenCall | undefined) {
  const { claimedByName, claimEndsAt } = open?.isLapsed === false ? open : {};
  return { claimedByName: claimedByName ?? null, claimEndsAt: claimEndsAt ?? null };
}

function claimRoutes(context: CallApiContext): Route[] {
  const route = (
    act: 'claim' | 'give-back',
    summary: string,
    verb: (tx: Tx, name: Name) => Promise<Outcome<void>>,
  ) =>
    api({
      method: 'POST',
      path: `/api/v1/alerts/:id/calls/:organisationId/${act}`,
      access: 'response.record',
      params: nameParams,
      api: { summary, responses: { 200: callState } },
      async handle({ actor, params, rawBody }) {
        const unwanted = refuseBody(rawBody);
        if (unwanted !== undefined) return problem(unwanted);
        return await work(context, actor, nameOf(params), verb);
      },
    });
  return [
    route(
      'claim',
      'Take a name, or have it for as long again; others see who rings them',
      (tx, of) => claimCall(tx, of, context.model),
    ),
    route('give-back', 'Give a name back to everybody; only who has it may', giveBackCall),
  ];
}

function attemptRoute(context: CallApiContext): Route {
  return api({
    method: 'POST',
    path: '/api/v1/alerts/:id/calls/:organisationId/attempts',
    access: 'response.record',
    params: nameParams,
    body: attemptBody,
    api: {
      summary: 'Write down what came of a number that was rung; only who has the name may',
      responses: { 200: callState },
    },
    async handle({ actor, params, body }) {
      const attempt = parseAttempt(body);
      if (!attempt.ok) return problem(attempt);
      return await work(context, actor, nameOf(params), (tx, of) =>
        recordAttempt(tx, of, attempt.value, context.model),
      );
    },
  });
}

function parseAttempt(body: z.output<typeof attemptBody>): Outcome<Attempt> {
  const { contactPointId, outcome: what, said, note } = body;
  const attempt = { id: newId(), contactPointId, note };
  if (what === 'reached')
    return said === undefined
      ? wrong('said', 'Say what they said: they were reached')
      : { ok: true, value: { ...attempt, outcome: what, said } };
  if (said !== undefined) return wrong('said', 'Leave it out: nobody was reached');
  if (what === 'left_word' && note === '') return wrong('note', 'Say with whom you left word');
  return { ok: true, value: { ...attempt, outcome: what } };
}

function wrong(field: string, why: string) {
  return refused('invalid', 'The request was not understood.', { [field]: why });
}

function nameOf({ id, organisationId }: z.output<typeof nameParams>): Name {
  return { alertId: id, organisationId };
}

/** Runs the verb and answers with who has the name now. */
async function work(
  { database }: CallApiContext,
  actor: Actor,
  name: Name,
  verb: (tx: Tx, name: Name) => Promise<Outcome<void>>,
): Promise<Reply> {
  const { alertId, organisationId } = name;
  const done = await database.attempt(actor, async (tx) => {
    if ((await findRung(tx, alertId, organisationId)) === undefined)
      return refused('not_found', 'There is no such name on the call list.');
    return await verb(tx, name);
  });
  if (!done.ok) return problem(done);
  const open = await database.withActor(actor, (tx) => findOpenCall(tx, alertId, organisationId));
  return json(200, { ...name, ...heldNow(open) });
}

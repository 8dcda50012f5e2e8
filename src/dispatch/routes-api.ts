/** A dispatch for programs: look at it, pause it, let it go on, stop it for good. */
import { z } from 'zod';
import { refused, type Outcome } from '#kernel/outcome.ts';
import { findPersonalData } from '#audit/index.ts';
import type { Database, Tx } from '#db/database.ts';
import { api, instant, json, meaningsOf, notFound, problem, uuid, type Route } from '#web/index.ts';
import { readAudit } from './auditor.ts';
import { cancelDispatch, pauseDispatch, resumeDispatch } from './actions.ts';
import { ledgerCaveat, ledgerParts } from './ledger.ts';
import { states } from './model.ts';
import { findDispatch, listRounds } from './store-history.ts';
import { readLedger } from './store-ledger.ts';
import { countMessages } from './store-plan.ts';

export type DispatchApiContext = { readonly database: Database };

const params = z.object({ id: z.uuid() });
const dispatchState = z.enum(['held', 'sending', 'paused', 'cancelled', 'done']);

const ledgerCounts = z.strictObject({
  total: z.int(),
  gone: z.int().describe(ledgerParts.gone),
  unknown: z.int().describe(ledgerParts.unknown),
  waiting: z.int().describe(ledgerParts.waiting),
  neverSent: z.int().describe(ledgerParts.neverSent),
});

const ledger = z
  .strictObject({
    messages: ledgerCounts,
    organisations: ledgerCounts,
    historyIsWhole: z.boolean().describe(`If false: ${ledgerCaveat}`),
  })
  .describe('Read in one moment: the parts add up to the total');

const dispatchDetail = z.strictObject({
  id: uuid,
  label: z.string().meta({ examples: ['Alert 4901'] }),
  lane: z.int().describe('1 live alerts, 2 escalation, 3 routine, 4 exercise: low goes first'),
  exercise: z.boolean(),
  state: dispatchState,
  epoch: z.int().describe('Raised by every cancellation'),
  contentHash: z.string().nullable().describe('SHA-256 of everything that it sends'),
  pauseReason: z.string().nullable(),
  createdAt: instant,
  releasedAt: instant.nullable(),
  endedAt: instant.nullable(),
  messages: z
    .array(
      z.strictObject({
        channel: z.enum(['text', 'mail']),
        state: meaningsOf(states),
        messages: z.int(),
      }),
    )
    .describe('How many are in each state; states without messages are left out'),
  ledger,
  rounds: z.array(
    z.strictObject({
      round: z.int(),
      opensAfterMs: z.int().describe('After the release'),
      opensAt: instant.nullable(),
      openedAt: instant.nullable(),
      reminds: z
        .boolean()
        .describe('To those of an earlier round who have not answered, once more'),
    }),
  ),
});

const steered = z.strictObject({
  id: uuid,
  state: dispatchState,
  pauseReason: z.string().nullable(),
  ledger,
});

/** The audit keeps the reason for ever and takes no numbers and no addresses (P12). */
const reasonBody = z.strictObject({
  reason: z
    .string()
    .trim()
    .min(1)
    // Ends there: looking for numbers in a text takes the square of its length.
    .max(500, { abort: true })
    .regex(/^\P{Cc}*$/u, 'No line ends or control characters here')
    .refine((text) => findPersonalData(text) === undefined, 'Leave out phone numbers and addresses')
    .describe('Why; shown on the board and kept in the audit')
    .meta({ examples: ['The text names the wrong product'] }),
});

export function dispatchApiRoutes({ database }: DispatchApiContext): Route[] {
  const steer = (
    name: 'pause' | 'resume' | 'cancel',
    summary: string,
    verb: (tx: Tx, steering: { dispatchId: string; reason: string }) => Promise<Outcome<void>>,
  ) =>
    api({
      method: 'POST',
      path: `/api/v1/dispatches/:id/${name}`,
      access: 'dispatch.steer',
      params,
      body: reasonBody,
      api: { summary, responses: { 200: steered } },
      async handle({ actor, params: { id: dispatchId }, body: { reason } }) {
        const done = await database.attempt(actor, async (tx) => {
          const found = await findDispatch(tx, dispatchId);
          if (found === undefined) return refused('not_found', 'There is no such dispatch.');
          if (found.state === 'held') return notReleased;
          return await verb(tx, { dispatchId, reason });
        });
        if (!done.ok) return problem(done);
        // After the commit: a ledger of a million messages must hold nothing up.
        return await database.withActor(actor, async (tx) => {
          const now = await findDispatch(tx, dispatchId);
          return json(200, {
            id: dispatchId,
            state: now?.state,
            pauseReason: now?.pauseReason,
            ledger: await readLedger(tx, dispatchId),
          });
        });
      },
    });
  return [
    showRoute(database),
    auditRoute(database),
    steer('pause', 'Send nothing more for now', pauseDispatch),
    steer('resume', 'Go on after a pause', resumeDispatch),
    steer('cancel', 'Stop for good: what has not left will not leave', cancelDispatch),
  ];
}

const notReleased = refused(
  'conflict',
  'It waits for approval and sends nothing: withdraw the alert instead.',
);

function showRoute(database: Database): Route {
  return api({
    method: 'GET',
    path: '/api/v1/dispatches/:id',
    access: 'alert.read',
    params,
    api: { summary: 'One dispatch: state, counts, rounds', responses: { 200: dispatchDetail } },
    handle: async ({ actor, params: { id } }) =>
      await database.withActor(actor, async (tx) => {
        const found = await findDispatch(tx, id);
        if (found === undefined) return notFound();
        return json(200, {
          ...found,
          messages: await countMessages(tx, id),
          ledger: await readLedger(tx, id),
          rounds: await listRounds(tx, id),
        });
      }),
  });
}

const invariant = z.strictObject({
  id: z.string().meta({ examples: ['leased'] }),
  holds: z.string().describe('What must hold'),
  mend: z.string().describe('What to do where it does not'),
  breaches: z.int(),
  sample: z.string().nullable().describe('One of what breaks it'),
  brokenSince: instant.nullable(),
  lastBrokenAt: instant.nullable(),
  checkedAt: instant,
});

const audited = z.strictObject({
  auditedAt: instant.nullable().describe('When the last whole round ended'),
  isStale: z.boolean().describe('True where that is more than three minutes ago: nobody watches'),
  tookMs: z.int().nullable(),
  invariants: z.array(invariant),
});

function auditRoute(database: Database): Route {
  return api({
    method: 'GET',
    path: '/api/v1/invariants',
    access: 'system.read',
    api: {
      summary: 'What must hold in the engine, as the auditor found it in the last minute',
      responses: { 200: audited },
    },
    handle: async ({ actor }) =>
      await database.withActor(actor, async (tx) => {
        const { auditedAt, isStale, tookMs, checked } = await readAudit(tx);
        return json(200, { auditedAt, isStale, tookMs, invariants: checked });
      }),
  });
}

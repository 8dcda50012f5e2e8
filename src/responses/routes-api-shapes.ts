/** What the API takes and gives of answers: the schemas check, and are the documentation. */
import { z } from 'zod';
import { messageEvents, states } from '#dispatch/index.ts';
import { because, cursorOf, instant, meaningsOf, pageQuery, uuid } from '#web/index.ts';
import { deskItemKinds } from './desk-model.ts';
import { answerKinds, evidences } from './model.ts';

const answerKind = z.enum(answerKinds);
const evidence = meaningsOf(evidences);

/** The id of the last row: lists that are never deleted from look up where it stands. */
const cursor = cursorOf(z.tuple([z.uuid()]));

const text = (max: number) =>
  z
    .string()
    .trim()
    .max(max, { abort: true })
    .regex(/^(?:[\t\n\r]|\P{Cc})*$/u, 'No control characters here');

export const answersQuery = z.strictObject(pageQuery(cursor));

export const answer = z.strictObject({
  id: uuid,
  at: instant,
  kind: answerKind,
  evidence,
  recordedBy: z.string().nullable().describe('Who wrote it down, where it came by a call'),
  note: z.string().nullable(),
});

export const callBody = z.strictObject({
  kind: answerKind.describe('What they said'),
  note: text(1000)
    .default('')
    .meta({ examples: ['Spoke to the on-call manager'] }),
});

export const recordedCall = z.strictObject({
  alertId: uuid,
  organisationId: uuid,
  kind: answerKind,
  evidence,
});

export const message = z.strictObject({
  id: uuid,
  who: z
    .strictObject({
      contactPointId: uuid,
      address: z
        .string()
        .nullable()
        .describe('Masked; null where nobody of the organisation has it any more')
        .meta({ examples: ['07700 ···201'] }),
      contacts: z
        .array(z.strictObject({ id: uuid, name: z.string(), role: z.string(), rank: z.int() }))
        .describe('Whose number or address it is today'),
    })
    .describe('Whom it is for'),
  why: z
    .strictObject({
      alertNumber: z.int(),
      kind: z
        .enum(['first', 'update', 'correction', 'withdrawal', 'closing'])
        .describe('`first`: a first alert with its rounds; else what became of one before'),
      round: z.int(),
      roundOpensAt: instant.nullable(),
      roundOpenedAt: instant.nullable(),
      rank: z.int(),
      creditedTo: z
        .array(uuid)
        .describe('Organisations that it counts for: a shared number gets one'),
      because,
    })
    .describe('Which round told which rank, and for whom it counts'),
  channel: z.enum(['text', 'mail']),
  code: z
    .string()
    .describe('What the reader texts back')
    .meta({ examples: ['4821'] }),
  subject: z.string().nullable(),
  body: z.string().describe('The words as they leave or left'),
  gatewayId: z
    .string()
    .nullable()
    .meta({ examples: ['notify'] }),
  providerId: z.string().nullable().describe('What the provider calls it'),
  state: meaningsOf(states),
  failureCode: z.string().nullable(),
  dueAt: instant.nullable(),
  expiresAt: instant.nullable().describe('Not sent by then: not sent at all'),
  acceptedAt: instant.nullable(),
  finalAt: instant.nullable(),
  settledAt: instant.nullable().describe('When this organisation had answered'),
  events: z
    .array(
      z.strictObject({
        at: instant,
        kind: meaningsOf(messageEvents),
        gatewayId: z.string().nullable(),
        detail: z.string().nullable().describe('The provider’s own word'),
      }),
    )
    .describe('In order, as far as stored'),
});

const deskState = z.enum(['open', 'claimed', 'closed']);

export const deskQuery = z.strictObject({
  state: deskState.optional().describe('Only these; all but `closed` unless told'),
  alertId: z.uuid().optional(),
  ...pageQuery(cursor),
});

export const deskItem = z.strictObject({
  id: uuid,
  kind: z.enum(deskItemKinds).describe('A call for help, or a text that a person has to read'),
  state: deskState,
  alertId: uuid.nullable(),
  alertNumber: z.int().nullable(),
  exercise: z.boolean().nullable().describe('Of an exercise; null where it is of no alert'),
  organisationId: uuid.nullable(),
  personName: z.string().nullable().describe('Who of the centre texted it, from their own number'),
  words: z.string().nullable().describe('What was texted, where it came by text'),
  createdAt: instant,
  callBackAt: instant.nullable().describe('Of a call for help: when they expect ours'),
  claimedBy: z.string().nullable(),
  claimedByName: z.string().nullable(),
  claimedAt: instant.nullable(),
  claimEndsAt: instant.nullable().describe('From then on anybody may take it'),
  handedOverByName: z.string().nullable(),
  closedAt: instant.nullable(),
  closedByName: z.string().nullable(),
  outcome: z.string().nullable(),
});

export const closeBody = z.strictObject({
  outcome: text(1000)
    .min(1)
    .describe('What came of it')
    .meta({ examples: ['Rang; they are fine'] }),
});

/** Without the words: answers of POSTs are kept for a day to be repeated. */
export const deskItemState = z.strictObject({
  id: uuid,
  state: deskState,
  claimedByName: z.string().nullable(),
});

/** What the API takes and gives of contacts: the schemas check, and are the documentation. */
import { z } from 'zod';
import { ZONE } from '#kernel/day.ts';
import { instant, keysOf, oneLine, uuid } from '#web/index.ts';
import { channels, type ContactRules } from '../model.ts';

const number = (what: string) => oneLine(400).optional().describe(what);

export const bodyShape = (rules: ContactRules) => ({
  name: oneLine(400).describe('Of the person or the post'),
  kind: z.enum(['person', 'post']).default('person'),
  role: keysOf(rules.contactRoles),
  rank: z.int().min(1).max(9).describe('1 is told first; two of one rank are told together'),
  readerKind: keysOf(rules.readerKinds).optional(),
  language: z.enum(['en', 'cy']).default('en'),
  mobile: number('The whole number; left out it stays as it is'),
  secondMobile: number('Another'),
  email: number('An address; left out it stays as it is'),
  secondEmail: number('Another'),
  landline: number('To be rung, never texted'),
});

export const offNames = ['mobile', 'secondMobile', 'email', 'secondEmail', 'landline'] as const;
export const version = z
  .string()
  .max(40)
  .describe('As it was read; 409 where somebody changed it since');

export const contactShape = z.strictObject({
  id: uuid,
  organisationId: uuid,
  name: z.string(),
  isPost: z.boolean(),
  role: z.string(),
  rank: z.int(),
  readerKind: z.string(),
  language: z.enum(['en', 'cy']),
  active: z.boolean().describe('False for somebody who has left'),
  saysLeftAt: instant
    .nullable()
    .describe('Says that it has left; told until somebody has dealt with it'),
  version,
  points: z.array(
    z.strictObject({
      contactPointId: uuid,
      channel: z.enum(channels),
      shown: z.string().describe('Masked'),
      sharedWith: z.int().describe('How many other contacts have it'),
    }),
  ),
});

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'Write a time such as 18:00');

export const hoursShape = z.strictObject({
  weekday: z.int().min(1).max(7).describe('1 is Monday'),
  startsAt: time.describe(`On the wall, in ${ZONE}`).meta({ examples: ['18:00'] }),
  endsAt: time
    .describe('Not after the start: on the next day; the same: the whole day')
    .meta({ examples: ['08:00'] }),
});

export const toldShape = z.strictObject({
  seatId: uuid.describe('Whose place it is'),
  seatName: z.string(),
  rank: z.int(),
  role: z.string(),
  readerKind: z.string(),
  contactId: uuid.describe('Who is told: another than the seat where a cover stands in'),
  contactName: z.string(),
  told: z.array(z.enum(channels)),
  passedOver: z
    .array(z.enum(channels))
    .describe('By these somebody else is on duty in the same or an earlier rank'),
});

export const changeShape = z.strictObject({
  at: instant,
  who: z.string(),
  subject: z.string().describe('The contact; empty for the organisation itself'),
  contactId: uuid.nullable(),
  words: z.string().describe('What was changed; never a number and never an address'),
});

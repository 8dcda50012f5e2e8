/** What the API takes and gives of audiences, suppliers and tags. */
import { z } from 'zod';
import { day, instant, uuid } from '#web/index.ts';
import { AUDIENCE_NAME_MAX } from './form-audience.ts';
import { nameText, SUPPLIER_MAX, TAG_MAX } from '../suppliers/form-use.ts';
import { joins, type AudienceQuestion, type DirectoryRules } from '../model.ts';
import { audienceQuestion } from '../routes-api-shapes.ts';
import type { AudienceRow } from './store-saved.ts';

const part = z.strictObject({
  how: z.enum(joins),
  id: uuid,
  version: z.int(),
  name: z.string(),
});

/** A question as it was kept; what its audiences ask is read at their versions. */
export const savedQuestion = z.strictObject({
  types: z.array(z.string()),
  regions: z.array(z.string()),
  systems: z.array(z.string()),
  parents: z.array(z.string()),
  roles: z.array(z.string()),
  ranks: z.array(z.int()),
  suppliers: z.array(z.string()),
  products: z.array(z.string()),
  tags: z.array(z.string()),
  mustAnswerOnly: z.boolean(),
  namedOnly: z.boolean(),
  include: z.array(z.string()),
  exclude: z.array(z.string()),
  audiences: z.array(part),
});

/** A question as the API gives it. */
export function questionShown({ audiences, ...question }: AudienceQuestion) {
  const parts = audiences.map(({ how, id, version, name: called }) => ({
    how,
    id,
    version,
    name: called,
  }));
  return { ...question, audiences: parts };
}

export function audienceShown(row: AudienceRow) {
  return { ...row, question: questionShown(row.question) };
}

export const audience = z.strictObject({
  id: uuid,
  name: z.string().meta({ examples: ['Acute trusts in London'] }),
  version: z.int(),
  retiredAt: instant.nullable(),
  question: savedQuestion,
  savedAt: instant,
  savedByName: z.string(),
  organisations: z.int().describe('How many it meant when this version was saved'),
});

const name = (max: number) => nameText(max, 'Give it a name');

export const audienceBody = (rules: DirectoryRules) =>
  z.strictObject({ name: name(AUDIENCE_NAME_MAX), question: audienceQuestion(rules) });

export const changedAudience = (rules: DirectoryRules) =>
  z.strictObject({
    name: name(AUDIENCE_NAME_MAX),
    version: z.int().min(1).describe('The version you read: 409 where somebody saved since'),
    question: audienceQuestion(rules),
  });

export const member = z.strictObject({
  organisationId: uuid,
  code: z.string(),
  name: z.string(),
  why: z.array(z.string()).meta({ examples: [['type NHS trust, region London']] }),
});

export const audienceChanges = z.strictObject({
  version: z.int(),
  counts: z.strictObject({ came: z.int(), went: z.int() }),
  went: z.array(member).describe('The first thousand by name'),
  came: z.array(member).describe('The first thousand by name'),
});

export const supplier = z.strictObject({
  id: uuid,
  name: z.string(),
  products: z.int(),
  organisations: z.int().describe('Those that use something of it today'),
});

export const use = z.strictObject({
  id: uuid,
  supplier: z.string(),
  product: z.string().nullable(),
  saidBy: z.string(),
  saidOn: day,
  usedUntil: day.nullable().describe('The first day on which it is used no more'),
  hasEnded: z.boolean(),
});

export const useBody = z.strictObject({
  supplier: name(SUPPLIER_MAX).meta({ examples: ['Citrix'] }),
  product: nameText(SUPPLIER_MAX, 'Leave it out where it is not known').optional(),
  saidBy: nameText(120, 'Say who told you').meta({ examples: ['Asset register, November 2026'] }),
  saidOn: day.optional().describe('Today where it is left out'),
  usedUntil: day.nullable().default(null),
});

export const tags = z.strictObject({ tags: z.array(z.string()) });

export const tagBody = z.strictObject({ tag: nameText(TAG_MAX, 'Write a word') });

export const tag = z.strictObject({ id: uuid, name: z.string(), organisations: z.int() });

import { z } from 'zod';
import { faultSchema, type Fault } from './faults.ts';

const url = z.url({ protocol: /^https?$/ });

/** Bodies of `/_control`. Strict: a misspelt field in a test must fail, not be ignored. */
const faultList = z.array(faultSchema).min(1);
const wrappedFaults = z.strictObject({ faults: faultList });

/**
 * One fault, a list of them, or `{"faults": […]}`. Which of the three is decided first: a union
 * would say of any mistake only that the input is invalid.
 */
export function parseFaults(body: unknown): readonly Fault[] {
  if (Array.isArray(body)) return faultList.parse(body);
  const isWrapped = typeof body === 'object' && body !== null && 'faults' in body;
  return isWrapped ? wrappedFaults.parse(body).faults : [faultSchema.parse(body)];
}

export const replyBody = z.strictObject({
  number: z.string().min(1),
  text: z.string().max(1_600),
});

export const receiptBody = z.strictObject({
  id: z.uuid(),
  status: z.enum(['delivered', 'permanent-failure', 'temporary-failure', 'technical-failure']),
});

export const templateBody = z.strictObject({
  id: z.uuid(),
  type: z.enum(['sms', 'email']).optional(),
  name: z.string().min(1).optional(),
  body: z.string().optional(),
  subject: z.string().optional(),
  archived: z.boolean().optional(),
});

export const settingsBody = z.strictObject({
  callbackUrls: z.strictObject({ receipts: url.nullish(), texts: url.nullish() }).optional(),
  callbackToken: z.string().optional(),
  callbackRetryMs: z.int().min(0).optional(),
  receiptDelayMs: z
    .tuple([z.number().min(0), z.number().min(0)])
    .refine(([least, most]) => least <= most, 'The first must not be above the second.')
    .optional(),
  limiter: z.union([z.literal('off'), z.strictObject({ perMinute: z.int().min(1) })]).optional(),
});

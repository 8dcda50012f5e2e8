/** The small values of `operating-model.yaml`: lines, texts, names, durations and times of day. */
import { z } from 'zod';
import { permissions, type Permission } from '#kernel/actor.ts';
import { parseMinute } from '#kernel/quiet-hours.ts';
import { DURATION, parseDurationMs } from './durations.ts';

export const line = z.string().trim().min(1).max(200);

export const text = z.string().trim().min(1).max(600);

// Lower case and no bare numbers: the order of the file is the order of an object's keys, and
// JavaScript sorts keys that look like integers first.
export const id = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, 'must be lower-case letters, digits and _, beginning with a letter');

// As the directory writes it; a name here is for display only, so no order is kept.
export const code = z
  .string()
  .regex(
    /^[A-Z0-9][A-Z0-9-]{0,19}$/,
    'must be capitals, digits and hyphens, as the codes of the directory',
  );

// The pattern and the examples are for editors; the parser says what is wrong.
export const durationMs = z
  .string()
  .meta({ pattern: DURATION.source, examples: ['PT15M', 'PT48H', 'P5D'] })
  .transform((text, context) => {
    const ms = parseDurationMs(text);
    if (ms !== undefined) return ms;
    context.addIssue('must be an ISO 8601 duration such as PT15M, PT48H or P5D');
    return z.NEVER;
  });

export const minuteMs = durationMs.refine((ms) => ms >= 60_000, 'must be at least PT1M');

export const minuteOfDay = z
  .string()
  .meta({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', examples: ['22:00', '07:00'] })
  .transform((text, context) => {
    const minute = parseMinute(text);
    if (minute !== undefined) return minute;
    context.addIssue('must be a time of the day such as "22:00", in quotes');
    return z.NEVER;
  });

export const permission = z.enum(Object.keys(permissions) as [Permission, ...Permission[]]);

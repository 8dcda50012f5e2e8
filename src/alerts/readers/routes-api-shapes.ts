/** Words for other readers in the API: the schema checks, and is the documentation. */
import { z } from 'zod';
import type { OperatingModel } from '#operating-model/index.ts';
import { fieldLengths } from '#alerts/parse.ts';
import { otherReaders } from './model.ts';

const says =
  'Words for readers of other kinds than the usual one, by kind: in texts, instead of the general ones; what is empty is said in those';

export function readerWordsShape(model: Pick<OperatingModel, 'readerKinds'>) {
  const text = (field: 'what' | 'doNow' | 'ifActed') =>
    z.string().max(fieldLengths[field]).default('');
  const own = z.strictObject({
    what: text('what'),
    doNow: text('doNow'),
    ifActed: text('ifActed').describe('Of a correction'),
  });
  const kinds = Object.fromEntries(otherReaders(model).map(({ id }) => [id, own.optional()]));
  return z.strictObject(kinds).describe(says);
}

/** As the API gives it: of an older operating model too, whose kinds may be gone. */
export const readerWordsGiven = z
  .record(z.string(), z.strictObject({ what: z.string(), doNow: z.string(), ifActed: z.string() }))
  .describe(says);

export const readerGiven = z
  .string()
  .nullable()
  .describe('The reader kind in whose own words it is; null: the general ones');

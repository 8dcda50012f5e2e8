/** What the catalogue says, in the API. */
import { z } from 'zod';
import { instant } from '#web/index.ts';

export const kevGiven = z
  .strictObject({
    version: z.string(),
    facts: z.array(
      z.strictObject({
        cve: z.string(),
        addedOn: instant.nullable().describe('Midnight in UTC of the day; null: not in there'),
        ransomware: z.boolean(),
      }),
    ),
  })
  .nullable()
  .describe('The catalogue of known exploited vulnerabilities on its CVEs; null without one');

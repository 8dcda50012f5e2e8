/** What the catalogue says, in the API. */
import { z } from 'zod';
import { instant } from '#web/index.ts';

export const kevGiven = z
  .strictObject({
    version: z.string(),
    releasedAt: instant.describe('As at when, by CISA'),
    facts: z.array(
      z.strictObject({
        cve: z.string(),
        addedOn: z.iso.date().nullable().describe('By CISA; null: not in there'),
        dueOn: z.iso.date().nullable().describe('The deadline of CISA for US federal agencies'),
        ransomware: z.boolean().describe('Known to be used in ransomware campaigns'),
        requiredAction: z.string().describe('What CISA requires'),
      }),
    ),
  })
  .nullable()
  .describe(
    'What the catalogue of known exploited vulnerabilities says of its CVEs, frozen as an alert is submitted; null without one',
  );

/** The content of an alert in the API: the schema checks, and is the documentation. */
import { z } from 'zod';
import type { OperatingModel } from '#operating-model/index.ts';
import { exploitedAnswers, stepTypes, type Exploited } from './model.ts';
import { LINE_MAX, LINES_MAX } from './parse.ts';

const line = z.string().trim().max(LINE_MAX);
const lines = z.array(line.min(1)).max(LINES_MAX);
const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .nullable();

/** What is left out of it is empty. */
export function contentShape({
  threats,
  severityMatrix: matrix,
  declaredScales,
}: Pick<OperatingModel, 'threats' | 'severityMatrix' | 'declaredScales'>) {
  const idOf = (labels: object) =>
    z.string().refine((id) => Object.hasOwn(labels, id), 'Choose an id of the operating model');
  return z.strictObject({
    exploited: z
      .enum(Object.keys(exploitedAnswers) as [Exploited, ...Exploited[]])
      .nullable()
      .default(null)
      .describe('Whether it is being exploited now'),
    safe: line.default('').describe('What is safe to keep using'),
    safeAsAt: instant.default(null).describe('When that was so; needed with it to submit'),
    remediateBy: instant.default(null),
    supersedes: z
      .int32()
      .min(1)
      .nullable()
      .default(null)
      .describe('Number of an alert that was out'),
    threatType: idOf(threats.types).nullable().default(null).describe('As the operating model'),
    categories: z.array(idOf(threats.categories)).max(LINES_MAX).default([]),
    vectors: z
      .array(idOf(threats.vectors))
      .max(LINES_MAX)
      .default([])
      .describe('By which ways it comes, as the operating model'),
    platforms: lines.default([]),
    cves: lines.default([]).meta({ examples: [['CVE-2026-12345']] }),
    steps: z
      .array(
        z.strictObject({
          type: z.enum(stepTypes),
          text: line.min(1),
          link: line.default('').describe('Where it is said at length, https'),
        }),
      )
      .max(LINES_MAX * stepTypes.length)
      .default([]),
    indicators: z
      .array(z.strictObject({ kind: line.min(1), value: line.min(1) }))
      .max(LINES_MAX)
      .default([])
      .describe('Traces of an attack; above the ceiling of indicators they do not leave'),
    sources: lines.default([]).describe('Addresses of the authority to follow, https'),
    endorsed: z
      .array(z.strictObject({ body: line, title: line, url: line }))
      .max(LINES_MAX)
      .default([])
      .describe('What other bodies published and this alert stands behind'),
    assessment: z
      .strictObject({
        impact: idOf(matrix.impact.answers),
        spread: idOf(matrix.spread.answers),
        confidence: idOf(matrix.confidence.answers),
        reason: line.default('').describe('Why the severity is not the one that these propose'),
      })
      .nullable()
      .default(null)
      .describe('The answers that propose a severity (operating model); for the centre alone'),
    declared: z
      .record(idOf(declaredScales), z.string())
      .default({})
      .describe('What others declared: a level by scale, ids of the operating model'),
  });
}

/** As the API gives it: of an older operating model too, whose names may be gone. */
export const contentGiven = z.strictObject({
  exploited: z.string().nullable(),
  safe: z.string(),
  safeAsAt: z.string().nullable(),
  remediateBy: z.string().nullable(),
  supersedes: z.int().nullable(),
  threatType: z.string().nullable(),
  categories: z.array(z.string()),
  vectors: z.array(z.string()),
  platforms: z.array(z.string()),
  cves: z.array(z.string()),
  steps: z.array(z.strictObject({ type: z.enum(stepTypes), text: z.string(), link: z.string() })),
  indicators: z.array(z.strictObject({ kind: z.string(), value: z.string() })),
  sources: z.array(z.string()),
  endorsed: z.array(z.strictObject({ body: z.string(), title: z.string(), url: z.string() })),
  assessment: z
    .strictObject({
      impact: z.string(),
      spread: z.string(),
      confidence: z.string(),
      reason: z.string(),
    })
    .nullable(),
  declared: z.record(z.string(), z.string()),
});

export const sectionsGiven = z
  .array(
    z.strictObject({
      key: z.string(),
      label: z.string(),
      entries: z.array(z.strictObject({ text: z.string(), href: z.string().optional() })),
    }),
  )
  .describe('The content as readers see it');

/** The content as the composer's form has it: lists are written one a line. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { axisNames, type OperatingModel } from '#operating-model/index.ts';
import { clockTime, many, type Form } from '#web/index.ts';
import { dateOf, instantOf } from '#alerts/clock-fields.ts';
import {
  exploitedAnswers,
  stepTypes,
  type Content,
  type Exploited,
  type Indicator,
  type Notice,
} from './model.ts';
import { checkContent } from './parse.ts';

export const contentFields = [
  'exploited',
  'safe',
  'safeAsAtDate',
  'safeAsAtTime',
  'remediateByDate',
  'remediateByTime',
  'supersedes',
  'threatType',
  'categories',
  'vectors',
  'platforms',
  'cves',
  'stepsPatch',
  'stepsGuidance',
  'stepsAction',
  'stepsAware',
  'indicators',
  'sources',
  'endorsed',
  ...axisNames,
  'severityReason',
  'declared',
] as const;

/** The content that was typed; errors stand at `safeAsAt`, `remediateBy` and `steps` for their parts. */
export function parseContent(form: Form, model: OperatingModel): Outcome<Content> {
  const typed = (field: (typeof contentFields)[number]) => (many(form[field])[0] ?? '').trim();
  const errors: Record<string, string> = {};
  const instant = (name: 'safeAsAt' | 'remediateBy', what: string) => {
    const [date, time] = [typed(`${name}Date`), typed(`${name}Time`)];
    if (date === '' && time === '') return null;
    const at = instantOf(date, time);
    if (at === undefined) errors[name] = `Enter the day and the time ${what}`;
    return at?.toISOString() ?? null;
  };
  const number = typed('supersedes').replace(/^(?:alert|cc)?[\s-]*/i, '');
  if (number !== '' && !/^[1-9]\d{0,7}$/.test(number))
    errors['supersedes'] = 'Enter the number of an alert, such as 4901';
  const exploited = typed('exploited');
  const content: Content = {
    exploited: Object.hasOwn(exploitedAnswers, exploited) ? (exploited as Exploited) : null,
    safe: typed('safe'),
    safeAsAt: instant('safeAsAt', 'as at which it is safe'),
    remediateBy: instant('remediateBy', 'by which to remediate'),
    supersedes: number === '' ? null : Number(number),
    threatType: typed('threatType') || null,
    categories: many(form['categories']).filter((id) => id !== ''),
    vectors: many(form['vectors']).filter((id) => id !== ''),
    platforms: linesOf(typed('platforms')),
    cves: [
      ...new Set(
        typed('cves')
          .toUpperCase()
          .split(/[\s,;]+/),
      ),
    ].filter((cve) => cve !== ''),
    steps: stepTypes.flatMap((type) =>
      linesOf(typed(`steps${type}`)).map((line) => ({ type, ...stepOf(line) })),
    ),
    indicators: linesOf(typed('indicators')).map(indicatorOf),
    sources: linesOf(typed('sources')),
    endorsed: linesOf(typed('endorsed')).map(noticeOf),
    assessment: axisNames.every((axis) => typed(axis) === '')
      ? null
      : {
          impact: typed('impact'),
          spread: typed('spread'),
          confidence: typed('confidence'),
          reason: typed('severityReason'),
        },
    declared: Object.fromEntries(
      many(form['declared'])
        .filter((one) => one !== '')
        .map((one) => [one.split('.')[0]!, one.split('.')[1] ?? '']),
    ),
  };
  const wrong = { ...checkContent(content, model), ...errors };
  if (Object.keys(wrong).length === 0) return ok(content);
  return refused('invalid', 'There is a problem with what was entered', wrong);
}

export function contentAsFields(content: Content): Form {
  const day = (at: string | null) => (at === null ? '' : dateOf(new Date(at)));
  const time = (at: string | null) => (at === null ? '' : clockTime(new Date(at)));
  const { safeAsAt, remediateBy } = content;
  const steps = stepTypes.map((type) => [
    `steps${type}`,
    content.steps
      .filter((step) => step.type === type)
      .map(({ text, link }) => (link === '' ? text : `${text}, ${link}`))
      .join('\n'),
  ]);
  return {
    exploited: content.exploited ?? '',
    safe: content.safe,
    safeAsAtDate: day(safeAsAt),
    safeAsAtTime: time(safeAsAt),
    remediateByDate: day(remediateBy),
    remediateByTime: time(remediateBy),
    supersedes: content.supersedes === null ? '' : String(content.supersedes),
    threatType: content.threatType ?? '',
    categories: [...content.categories],
    vectors: [...content.vectors],
    platforms: content.platforms.join('\n'),
    cves: content.cves.join('\n'),
    ...Object.fromEntries(steps),
    indicators: content.indicators.map(({ kind, value }) => `${kind}: ${value}`).join('\n'),
    sources: content.sources.join('\n'),
    endorsed: content.endorsed
      .map(({ body, title, url }) => `${body}, ${title}, ${url}`)
      .join('\n'),
    impact: content.assessment?.impact ?? '',
    spread: content.assessment?.spread ?? '',
    confidence: content.assessment?.confidence ?? '',
    severityReason: content.assessment?.reason ?? '',
    declared: Object.entries(content.declared).map(([id, level]) => `${id}.${level}`),
  };
}

function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** `Install 14.1-43, https://…`: an address at the end is where the step is said at length. */
function stepOf(line: string): { readonly text: string; readonly link: string } {
  const [, text, link] = /^(.+?)[,;]?\s+(https:\/\/\S+)$/.exec(line) ?? [];
  return text === undefined || link === undefined ? { text: line, link: '' } : { text, link };
}

/** `File: update.exe`: up to the first colon it is the kind. */
function indicatorOf(line: string): Indicator {
  const [kind = '', ...value] = line.split(':');
  return { kind: kind.trim(), value: value.join(':').trim() };
}

/** `NCSC, Advisory on Citrix, https://…`: the first and the last part; commas between are the title's. */
function noticeOf(line: string): Notice {
  const [body = '', ...rest] = line.split(',');
  const url = rest.pop() ?? '';
  return { body: body.trim(), title: rest.join(',').trim(), url: url.trim() };
}

/** The content of an alert: what is wrong with it, whoever typed or sent it. Pure. */
import { CONTROL } from '#kernel/control-characters.ts';
import type { FieldErrors } from '#kernel/outcome.ts';
import { axisNames, type OperatingModel } from '#operating-model/index.ts';
import type { Content } from './model.ts';

/** Characters of one line, and lines of one field. */
export const LINE_MAX = 300;
export const LINES_MAX = 30;

const CVE = /^CVE-(?:19|20)\d\d-\d{4,19}$/;

/** What the freeze fills in for each recipient: in a mail it would be filled in here too. */
const RECIPIENT_BLANK = /\{(?:organisation|code|since)\}/;

type Field = keyof Content;

/** By field of the content; empty where all of it is right. */
export function checkContent(
  content: Content,
  model: Pick<OperatingModel, 'threats' | 'severityMatrix' | 'declaredScales'>,
): FieldErrors {
  const { threats } = model;
  const errors: Partial<Record<Field, string>> = {};
  const { threatType } = content;
  if (threatType !== null && !Object.hasOwn(threats.types, threatType))
    errors.threatType = 'Choose a type of threat';
  if (content.categories.some((id) => !Object.hasOwn(threats.categories, id)))
    errors.categories = 'Choose categories of the list';
  if (content.vectors.some((id) => !Object.hasOwn(threats.vectors, id)))
    errors.vectors = 'Choose ways of the list';
  if (content.indicators.some(({ kind, value }) => kind === '' || value === ''))
    errors.indicators = 'Enter one indicator a line: its kind, a colon, and what to look for';
  if (content.steps.some(({ link }) => link !== '' && !isAddress(link)))
    errors.steps = 'An address at the end of a step is a whole one: https://…';
  if (!isAnswered(content, model)) errors.assessment = 'Answer all three of the list, or none';
  if (!isDeclared(content, model)) errors.declared = 'Choose a level of the list';
  const wrongCves = content.cves.filter((cve) => !CVE.test(cve));
  if (wrongCves.length > 0)
    errors.cves = `Not a CVE: ${wrongCves.join(', ')}. It is written CVE-2026-12345`;
  if (content.sources.some((url) => !isAddress(url)))
    errors.sources = 'Enter whole addresses, one a line: https://…';
  if (
    content.endorsed.some(({ body, title, url }) => body === '' || title === '' || !isAddress(url))
  )
    errors.endorsed = 'Enter one notice a line: body, title, https://…';
  for (const [field, texts] of Object.entries(textsOf(content)) as [Field, string[]][]) {
    const why = wrongLine(texts);
    if (why !== undefined) errors[field] = why;
  }
  return errors;
}

function isAnswered(
  { assessment }: Content,
  { severityMatrix: matrix }: Pick<OperatingModel, 'severityMatrix'>,
): boolean {
  return (
    assessment === null ||
    axisNames.every((axis) => Object.hasOwn(matrix[axis].answers, assessment[axis]))
  );
}

function isDeclared(
  { declared }: Content,
  { declaredScales: scales }: Pick<OperatingModel, 'declaredScales'>,
): boolean {
  return Object.entries(declared).every(
    ([id, level]) => Object.hasOwn(scales, id) && Object.hasOwn(scales[id]!.levels, level),
  );
}

function textsOf(content: Content): Partial<Record<Field, readonly string[]>> {
  return {
    safe: [content.safe],
    platforms: content.platforms,
    cves: content.cves,
    steps: content.steps.flatMap(({ text, link }) => [text, link]),
    indicators: content.indicators.flatMap(({ kind, value }) => [kind, value]),
    sources: content.sources,
    endorsed: content.endorsed.flatMap(({ body, title, url }) => [body, title, url]),
    assessment: [content.assessment?.reason ?? ''],
  };
}

function wrongLine(texts: readonly string[]): string | undefined {
  if (texts.length > LINES_MAX * 3) return `At most ${LINES_MAX} lines`;
  const long = texts.find(({ length }) => length > LINE_MAX);
  if (long !== undefined) return `One line has ${long.length} characters; at most ${LINE_MAX}`;
  if (texts.some((text) => CONTROL.test(text)))
    return 'There is an invisible control character in it; type it again';
  if (texts.some((text) => RECIPIENT_BLANK.test(text)))
    return 'It may not hold {organisation}, {code} or {since}';
  return undefined;
}

/** Over https, without a name or password in it. */
function isAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === 'https:' && url.username === '' && url.password === '';
}

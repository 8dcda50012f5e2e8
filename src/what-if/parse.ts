/** What somebody asks to be rehearsed, from a form or a command. Pure. */
import { ZONE } from '#kernel/day.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Pence } from '#kernel/money.ts';
import { channels, type Channel, type OperatingModel } from '#operating-model/index.ts';
import { presets, type Behaviour } from './behaviour.ts';

/** The fields as they are typed; an absent one is as an empty one. */
export const fieldNames = [
  'alert',
  'severity',
  'exercise',
  'audience',
  'channels',
  'what',
  'doNow',
  'behaviour',
  'textShare',
  'textMedian',
  'mailShare',
  'mailMedian',
  'at',
  'seed',
  'cap',
] as const;

export type FieldName = (typeof fieldNames)[number];

export type Fields = Readonly<Partial<Record<FieldName, string>>>;

export type Asked = {
  /** Id of an alert to rehearse; undefined: an imagined one. */
  readonly alert: string | undefined;
  readonly severity: string;
  /** Of an imagined alert; a written one is what it is. */
  readonly exercise: boolean;
  /** Id of a saved audience; undefined: that of the alert, or all who must answer. */
  readonly audience: string | undefined;
  /** Undefined: as the rules have it. */
  readonly channels: readonly Channel[] | undefined;
  readonly what: string;
  readonly doNow: string;
  /** Key of a preset, or `own`. */
  readonly preset: string;
  readonly behaviour: Behaviour;
  readonly releasedAtMs: number;
  readonly seed: number;
  readonly spendCapPence: Pence | undefined;
};

export const OWN = 'own';

const WORDS_MAX = 300;
const MEDIAN_MAX = 20_000;
const SEED_MAX = 2_147_483_647;

/** Words of usual length, where none are given. */
export const EXAMPLE_WORDS = {
  what: 'ransomware via a remote gateway',
  doNow: 'Isolate remote gateways now. Email safe.',
};

/** Refused with a sentence for each field. */
export function parseAsked(
  fields: Fields,
  { model, now }: { readonly model: Pick<OperatingModel, 'severities'>; readonly now: Date },
): Outcome<Asked> {
  const wrong: Record<string, string> = {};
  const given = (name: FieldName) => (fields[name] ?? '').trim();
  const severity = given('severity') || model.severities[0]!.id;
  if (!model.severities.some(({ id }) => id === severity))
    wrong['severity'] = `Choose one of ${model.severities.map(({ id }) => id).join(', ')}`;
  const behaviour = parseBehaviour(given, wrong);
  const releasedAtMs = given('at') === '' ? now.getTime() : parseTime(given('at'));
  if (Number.isNaN(releasedAtMs)) wrong['at'] = 'Enter a time like 2027-01-31T02:30';
  for (const name of ['what', 'doNow'] as const)
    if (given(name).length > WORDS_MAX) wrong[name] = `Use ${WORDS_MAX} characters or fewer`;
  const seed = numberOf(given('seed') || '1', { most: SEED_MAX, whole: true });
  if (seed === undefined) wrong['seed'] = `Enter a whole number up to ${SEED_MAX}`;
  const cap = given('cap') === '' ? null : numberOf(given('cap').replace('£', ''), { most: 1e7 });
  if (cap === undefined) wrong['cap'] = 'Enter pounds, such as 250';
  const by = parseChannels(given('channels'));
  if (by === 'wrong') wrong['channels'] = 'Choose text, mail or both';
  if (Object.keys(wrong).length > 0)
    return refused('invalid', 'Put right what is marked below.', wrong);
  return ok({
    alert: given('alert') || undefined,
    severity,
    exercise: given('exercise') === 'yes',
    audience: given('audience') || undefined,
    channels: by === 'wrong' ? undefined : by,
    what: given('what') || EXAMPLE_WORDS.what,
    doNow: given('doNow') || EXAMPLE_WORDS.doNow,
    ...behaviour,
    releasedAtMs,
    seed: seed ?? 1,
    spendCapPence: cap === null || cap === undefined ? undefined : Math.round(cap * 100),
  });
}

/** As a form has it, by the clock of the centre; with a zone, as it says. */
function parseTime(text: string): number {
  try {
    return /(?:Z|[+-]\d\d:\d\d)$/.test(text)
      ? Temporal.Instant.from(text).epochMilliseconds
      : Temporal.PlainDateTime.from(text).toZonedDateTime(ZONE).epochMilliseconds;
  } catch {
    return Number.NaN;
  }
}

function parseChannels(text: string): readonly Channel[] | undefined | 'wrong' {
  if (text === '') return undefined;
  const names = text.split(/[\s,]+/);
  const known = channels.filter((channel) => names.includes(channel));
  return known.length === new Set(names).size ? known : 'wrong';
}

type Given = (name: FieldName) => string;

/** A preset, with the numbers that were typed instead of its own. */
function parseBehaviour(
  given: Given,
  wrong: Record<string, string>,
): { preset: string; behaviour: Behaviour } {
  const name = given('behaviour') || 'working_day';
  const base = presets[name === OWN ? 'working_day' : name];
  if (base === undefined)
    wrong['behaviour'] = `Choose one of ${[...Object.keys(presets), OWN].join(', ')}`;
  const usual = base ?? presets['working_day']!;
  if (name !== OWN) return { preset: name, behaviour: usual.behaviour };
  const read = (field: FieldName, most: number, before: number): number => {
    if (given(field) === '') return before;
    const value = numberOf(given(field), { most });
    if (value === undefined) wrong[field] = `Enter a number from 0 to ${most}`;
    return value ?? before;
  };
  const { text, mail } = usual.behaviour;
  return {
    preset: name,
    behaviour: {
      text: {
        share: read('textShare', 100, text.share * 100) / 100,
        medianMinutes: read('textMedian', MEDIAN_MAX, text.medianMinutes),
      },
      mail: {
        share: read('mailShare', 100, mail.share * 100) / 100,
        medianMinutes: read('mailMedian', MEDIAN_MAX, mail.medianMinutes),
      },
    },
  };
}

/** From 0 on; undefined where it is none. */
function numberOf(
  text: string,
  { most, whole = false }: { readonly most: number; readonly whole?: boolean },
): number | undefined {
  const pattern = whole ? /^\d{1,10}$/ : /^\d{1,8}(?:\.\d{1,3})?$/;
  const value = pattern.test(text) ? Number(text) : Number.NaN;
  return value <= most ? value : undefined;
}

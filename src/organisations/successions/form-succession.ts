/** The form of a plan: all take over from all, or line by line who takes over from whom. Pure. */
import { ok, refused, type FieldErrors, type Outcome } from '#kernel/outcome.ts';
import { day, formIdOf, many, type Form } from '#web/index.ts';
import { codesIn } from '../audiences/parse-audience.ts';
import type { Place } from './children.ts';
import { everyPair, type PlannedPart, type SuccessionPlan } from './succeed.ts';

export const planFields = ['predecessors', 'successors', 'pairs', 'childrenTo', 'onDate'];

/** Of one side: more would be read by nobody. */
const CODES_MAX = 500;

export function parsePlan(form: Form): Outcome<SuccessionPlan> {
  const onDate = day.safeParse((many(form['onDate'])[0] ?? '').trim());
  const parts = parseParts(form);
  const [childrenTo] = codesIn(many(form['childrenTo']));
  if (onDate.success && parts.ok)
    return ok({
      id: formIdOf(form),
      onDate: onDate.data,
      parts: parts.value,
      ...(childrenTo !== undefined && { childrenTo }),
    });
  return refused('invalid', 'Put right what is marked below.', {
    ...(parts.ok ? {} : parts.fields),
    ...(!onDate.success && { onDate: 'Enter the first day of the successors, such as 2027-04-01' }),
  });
}

function parseParts(form: Form): Outcome<readonly PlannedPart[]> {
  const codesOf = (field: string) => codesIn(many(form[field])).slice(0, CODES_MAX);
  const [predecessors, successors] = [codesOf('predecessors'), codesOf('successors')];
  const lines = linesOf(form);
  if (lines.length > 0) {
    if (predecessors.length + successors.length > 0)
      return invalid({ pairs: 'Fill in the two fields above or these lines, not both' });
    const parts = lines.flatMap(([predecessor = '', ...others]) =>
      everyPair([predecessor], others),
    );
    const alone = lines.filter(({ length }) => length === 1).map(([code]) => code);
    if (alone.length > 0) return invalid({ pairs: `Say who takes over from ${alone.join(', ')}` });
    const isSame = (a: PlannedPart, b: PlannedPart) =>
      a.predecessor === b.predecessor && a.successor === b.successor;
    return ok(parts.filter((one, i) => parts.findIndex((other) => isSame(one, other)) === i));
  }
  if (predecessors.length > 0 && successors.length > 0)
    return ok(everyPair(predecessors, successors));
  const why = 'Name at least one organisation';
  return invalid({
    ...(predecessors.length === 0 && { predecessors: why }),
    ...(successors.length === 0 && { successors: why }),
  });
}

function linesOf(form: Form): string[][] {
  return linesIn(many(form['pairs'])[0] ?? '').slice(0, CODES_MAX);
}

/** Codes of each line, the one that stands before the colon first: `QM7: S1Y5D, D7T5G`. */
function linesIn(text: string): string[][] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim().replaceAll(/[:>→]/g, ' '))
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [first = '', ...rest] = line.trim().split(/[\s,;]+/);
      // The first may stand among the others too: it goes on.
      return [...codesIn([first]), ...codesIn(rest)];
    });
}

/** A choice of the list: of whom, and what the page showed. */
const CHOSEN = /^to-(.+)$/;

/** So many codes at once; more come with another press. */
const PLACES_MAX = 5_000;

/**
 * Who comes to stand below whom: the choices that differ from what the page showed, and lines with
 * one that takes over first (`S1Y5D: A81001, A81002`), which win.
 */
export function parsePlaces(form: Form): Outcome<readonly Place[]> {
  const places = new Map<string, string | null>();
  for (const field of Object.keys(form)) {
    const [, child] = CHOSEN.exec(field) ?? [];
    const chosen = many(form[field])[0] ?? '';
    if (child === undefined || chosen === many(form[`was-${child}`])[0]) continue;
    places.set(child, chosen === '' ? null : chosen);
  }
  const lines = linesIn(many(form['places'])[0] ?? '');
  const alone = lines.filter(({ length }) => length === 1).map(([code]) => code);
  if (alone.length > 0)
    return invalid({ places: `Say who comes to stand below ${alone.join(', ')}` });
  const named = new Map<string, string>();
  for (const [successor = '', ...children] of lines)
    for (const child of children) {
      if ((named.get(child) ?? successor) !== successor)
        return invalid({ places: `${child} stands in two lines: name it once` });
      named.set(child, successor);
      places.set(child, successor);
    }
  if (places.size > PLACES_MAX)
    return invalid({ places: `Name ${PLACES_MAX} codes at most, then the others` });
  return ok(Array.from(places, ([child, successor]) => ({ child, successor })));
}

function invalid(fields: FieldErrors): Outcome<never> {
  return refused('invalid', 'Put right what is marked below.', fields);
}

/** What is wrong with who takes part stands at the field that named them. */
export function errorsOfPlan(form: Form, fields: FieldErrors): FieldErrors {
  if (linesOf(form).length === 0) return fields;
  const { predecessors, successors, pairs, ...others } = fields;
  const why = [pairs, predecessors, successors].filter((one) => one !== undefined).join('. ');
  return { ...others, ...(why !== '' && { pairs: why }) };
}

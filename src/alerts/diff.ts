/** What changed from one version to the next, word by word. Pure. */
import type { Section } from './content/model.ts';
import type { Wording } from './model.ts';

/** A run of words that stayed, went or came. */
export type Part = { readonly kind: 'same' | 'gone' | 'new'; readonly text: string };

/** More pairs of words than these are not compared: 4 MB and some 20 ms. */
const PAIRS_MAX = 2_000_000;

/**
 * The shortest way from one text to the other in words; blanks between them count for nothing.
 * Where both are too long to be compared, all between the words that they begin and end with went,
 * and all came.
 */
export function diffWords(before: string, after: string): Part[] {
  const old = wordsOf(before);
  const now = wordsOf(after);
  let head = 0;
  while (head < old.length && head < now.length && isSame(old[head]!, now[head]!)) head++;
  let tail = 0;
  const most = Math.min(old.length, now.length) - head;
  while (tail < most && isSame(old.at(-1 - tail)!, now.at(-1 - tail)!)) tail++;
  const oldMiddle = old.slice(head, old.length - tail);
  const newMiddle = now.slice(head, now.length - tail);
  return joined([
    ...now.slice(0, head).map(same),
    ...between(oldMiddle, newMiddle),
    ...now.slice(now.length - tail).map(same),
  ]);
}

/** Words, each with the blanks that follow it; the last too, for another word may follow. */
function wordsOf(text: string): string[] {
  return `${text.trim()} `.match(/\S+\s*/g) ?? [];
}

/** By the words alone: a sentence added behind the last word does not change that word. */
const isSame = (one: string, other: string) => one.trim() === other.trim();

const same = (text: string): Part => ({ kind: 'same', text });
const gone = (text: string): Part => ({ kind: 'gone', text });
const fresh = (text: string): Part => ({ kind: 'new', text });

/** By the longest common subsequence; what went stands before what came. */
function between(old: readonly string[], now: readonly string[]): Part[] {
  if (old.length * now.length > PAIRS_MAX) return [...old.map(gone), ...now.map(fresh)];
  const width = now.length + 1;
  // At i * width + j: the most words that old from i on and now from j on have in common.
  const lengths = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      lengths[i * width + j] = isSame(old[i]!, now[j]!)
        ? lengths[(i + 1) * width + j + 1]! + 1
        : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
  const parts: Part[] = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < now.length) {
    if (isSame(old[i]!, now[j]!)) {
      parts.push(same(now[j]!));
      i++;
      j++;
    } else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)
      parts.push(gone(old[i++]!));
    else parts.push(fresh(now[j++]!));
  }
  return [...parts, ...old.slice(i).map(gone), ...now.slice(j).map(fresh)];
}

/** Neighbours of one kind as one part; between two that stayed, what went before what came. */
function joined(parts: readonly Part[]): Part[] {
  const runs: Part[] = [];
  let [went, came] = ['', ''];
  const flush = () => {
    if (went !== '') runs.push(gone(went));
    if (came !== '') runs.push(fresh(came));
    [went, came] = ['', ''];
  };
  for (const { kind, text } of parts) {
    if (kind === 'gone') went += text;
    else if (kind === 'new') came += text;
    else {
      flush();
      const last = runs.at(-1);
      if (last?.kind === 'same') runs[runs.length - 1] = same(last.text + text);
      else runs.push(same(text));
    }
  }
  flush();
  return runs;
}

/** Words that stay beside a change where the rest of a long run is left out. */
const CONTEXT_WORDS = 6;

/** The changes with some words around them: of a long text whatever stayed is left out. */
export function withContext(parts: readonly Part[]): Part[] {
  return parts.map((part, i) => {
    const words = wordsOf(part.text);
    const [head, tail] = [i === 0 ? 0 : CONTEXT_WORDS, i === parts.length - 1 ? 0 : CONTEXT_WORDS];
    if (part.kind !== 'same' || words.length <= head + tail + CONTEXT_WORDS) return part;
    const [first, last] = [words.slice(0, head), words.slice(words.length - tail)];
    return same(`${first.join('')}… ${last.join('')}`);
  });
}

export type Change = { readonly label: string; readonly parts: readonly Part[] };

const fieldLabels = {
  title: 'Title',
  severity: 'Severity',
  marking: 'Marking',
  what: 'What is happening',
  doNow: 'Do now',
  clearLine: 'Do now, for anybody',
  notKnown: 'Not known yet',
  nextUpdateAt: 'Next update',
  body: 'Details',
} as const;

/** How a wording is written for readers. */
export type Written<T extends Wording> = {
  readonly field: (wording: T, field: keyof typeof fieldLabels) => string;
  readonly sections: (wording: T) => readonly Section[];
};

/** The fields that changed, and the sections of the content. */
export function changesBetween<T extends Wording>(
  before: T,
  after: T,
  written: Written<T>,
): Change[] {
  const fields = (Object.keys(fieldLabels) as (keyof typeof fieldLabels)[]).flatMap((field) =>
    changeOf(fieldLabels[field], written.field(before, field), written.field(after, field)),
  );
  return [...fields, ...changesOfSections(written.sections(before), written.sections(after))];
}

export function changesOfSections(before: readonly Section[], after: readonly Section[]): Change[] {
  const [old, now] = [before, after].map(
    (sections) => new Map(sections.map((one) => [one.key, one])),
  ) as [Map<string, Section>, Map<string, Section>];
  return [...new Set([...now.keys(), ...old.keys()])].flatMap((key) => {
    const label = (now.get(key) ?? old.get(key))!.label;
    return changeOf(label, linesOf(old.get(key)), linesOf(now.get(key)));
  });
}

/** One change, or none where not a word differs. */
export function changeOf(label: string, before: string, after: string): Change[] {
  const parts = diffWords(before, after);
  return parts.some(({ kind }) => kind !== 'same') ? [{ label, parts }] : [];
}

const linesOf = (section: Section | undefined) =>
  (section?.entries ?? []).map(({ text }) => text).join('\n');

/** Which parts of a draft differ from how it was saved before. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { noContent } from '#alerts/content/model.ts';
import type { Wording } from '#alerts/model.ts';

export type Saved = { readonly wording: Wording; readonly audience: unknown };

const words = [
  'title',
  'severity',
  'marking',
  'what',
  'doNow',
  'ifActed',
  'clearLine',
  'notKnown',
  'nextUpdateAt',
  'body',
  'ownText',
  'readerWords',
  'asksAgain',
] as const satisfies readonly (keyof Wording)[];

const contents = Object.keys(noContent) as (keyof typeof noContent)[];

/** Their names in order, those of the content by themselves; of a new draft all that is not empty. */
export function changedParts(before: Saved | undefined, after: Saved): string[] {
  const differs = (of: (saved: Saved) => unknown) =>
    before === undefined ? !isEmpty(of(after)) : !isDeepStrictEqual(of(before), of(after));
  const changed = [
    ...words.filter((name) => differs(({ wording }) => wording[name])),
    ...contents.filter((name) => differs(({ wording }) => wording.content[name])),
    ...(differs(({ audience }) => audience) ? ['audience'] : []),
  ];
  return changed.toSorted();
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === '' || value === false) return true;
  return typeof value === 'object' && !(value instanceof Date) && Object.keys(value).length === 0;
}

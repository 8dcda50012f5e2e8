/**
 * Words for readers of another kind than the usual one, such as plainer ones for managers. They
 * take the place of the general words in texts, and there alone: page and mail say all to all.
 * Pure.
 */
import type { OperatingModel } from '#operating-model/index.ts';
import type { Section } from '#alerts/content/model.ts';

/** Each is one short sentence; where it is empty the general one is said. */
export type OwnWords = {
  readonly what: string;
  readonly doNow: string;
  /** Of a correction alone. */
  readonly ifActed: string;
};

/** By reader kind of the operating model; a kind without a word is not in it. */
export type ReaderWords = Readonly<Record<string, OwnWords>>;

export type Reader = { readonly id: string; readonly label: string };

type Kinds = Pick<OperatingModel, 'readerKinds'>;

/** Kinds that may have words of their own: the general ones are written for the usual kind. */
export function otherReaders({ readerKinds }: Kinds): Reader[] {
  return Object.entries(readerKinds)
    .slice(1)
    .map(([id, { label }]) => ({ id, label }));
}

/** Those that have some, in the order of the operating model. */
export function ownReaders(words: ReaderWords, model: Kinds): Reader[] {
  return otherReaders(model).filter(({ id }) => Object.hasOwn(words, id));
}

/** Only a correction says what to do for whoever acted already. */
export function withoutIfActed(words: ReaderWords): ReaderWords {
  const kept = Object.entries(words)
    .map(([id, own]) => [id, { ...own, ifActed: '' }] as const)
    .filter(([, { what, doNow }]) => what !== '' || doNow !== '');
  return Object.fromEntries(kept);
}

/** In one order, whatever the order of the keys. */
export function canonicalReaders(words: ReaderWords): unknown[] {
  return Object.keys(words)
    .toSorted()
    .map((id) => {
      const { what, doNow, ifActed } = words[id]!;
      return [id, what, doNow, ifActed];
    });
}

/** As officers and approvers read them, a section for each kind. */
export function readerSections(words: ReaderWords, model: Kinds): Section[] {
  return ownReaders(words, model).map(({ id, label }) => {
    const { what, doNow, ifActed } = words[id]!;
    const lines = [
      ['What is happening', what],
      ['Do now', doNow],
      ['If you acted already', ifActed],
    ] as const;
    return {
      key: `reader ${id}`,
      label: `In texts to “${label}”`,
      entries: lines
        .filter(([, text]) => text !== '')
        .map(([name, text]) => ({ text: `${name}: ${text}` })),
    };
  });
}

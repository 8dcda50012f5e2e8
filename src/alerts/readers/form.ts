/** The words for other readers as the composer's form has them: a field by `readerWords.manager.what`. */
import { within } from '#kernel/marking.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { many, type Form } from '#web/index.ts';
import type { Wording } from '#alerts/model.ts';
import { checkLine, unfilledIn } from '#alerts/parse.ts';
import { otherReaders, ownReaders, type OwnWords, type ReaderWords } from './model.ts';

const parts = ['what', 'doNow', 'ifActed'] as const satisfies readonly (keyof OwnWords)[];

const partLabels: Readonly<Record<(typeof parts)[number], string>> = {
  what: 'what happens',
  doNow: 'what to do',
  ifActed: 'if they acted already',
};

/** The name of a field, and its path in a body of the API. */
export function readerField(reader: string, part: keyof OwnWords): string {
  return `readerWords.${reader}.${part}`;
}

/** Every field by its name, and what it is called. */
export function readerFields(model: Pick<OperatingModel, 'readerKinds'>): Record<string, string> {
  return Object.fromEntries(
    otherReaders(model).flatMap(({ id, label }) =>
      parts.map((part) => [readerField(id, part), `${label}: ${partLabels[part]}`]),
    ),
  );
}

/** What was typed for each kind; a kind without a word is left out. */
export function parseReaderWords(form: Form, model: OperatingModel): Outcome<ReaderWords> {
  const typed = otherReaders(model).map(({ id }): [string, OwnWords] => {
    const part = (name: keyof OwnWords) => many(form[readerField(id, name)])[0] ?? '';
    return [id, { what: part('what'), doNow: part('doNow'), ifActed: part('ifActed') }];
  });
  return checkReaderWords(Object.fromEntries(typed), model);
}

/** Whoever typed or sent them: trimmed, and every field that is wrong. */
export function checkReaderWords(
  words: ReaderWords,
  model: Pick<OperatingModel, 'readerKinds'>,
): Outcome<ReaderWords> {
  const labels = readerFields(model);
  const errors: Record<string, string> = {};
  const kept: Record<string, OwnWords> = {};
  for (const [id, typed] of Object.entries(words)) {
    const own = {
      what: typed.what.trim(),
      doNow: typed.doNow.trim(),
      ifActed: typed.ifActed.trim(),
    };
    for (const part of parts) {
      const field = readerField(id, part);
      const why = checkLine(own[part], part, labels[field] ?? field);
      if (why !== undefined) errors[field] = why;
    }
    if (parts.some((part) => own[part] !== '')) kept[id] = own;
  }
  if (Object.keys(errors).length === 0) return ok(kept);
  return refused('invalid', 'There is a problem with what was entered', errors);
}

export function readerWordsAsFields(words: ReaderWords): Form {
  return Object.fromEntries(
    Object.entries(words).flatMap(([id, own]) =>
      parts.map((part) => [readerField(id, part), own[part]]),
    ),
  );
}

/** Why they cannot be submitted, by field: where they may not travel, and blanks that are left. */
export function unfitReaderWords(
  { readerWords, marking }: Wording,
  model: OperatingModel,
): Record<string, string> {
  const mayTravel = within(marking, model.markingCeilings.text);
  const errors: Record<string, string> = {};
  for (const { id } of ownReaders(readerWords, model))
    for (const part of parts) {
      const line = readerWords[id]![part];
      const why = mayTravel
        ? unfilledIn(line)
        : `A text may not carry what is marked ${marking}; leave this empty`;
      if (line !== '' && why !== undefined) errors[readerField(id, part)] = why;
    }
  return errors;
}

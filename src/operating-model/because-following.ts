/** What tells whoever had an alert what became of it: which saved text, and why. Pure. */
import { within, type Marking } from '#kernel/marking.ts';
import { becauseMessage, openingHours } from './because.ts';
import type { OperatingModel, Severity } from './model.ts';
import { becauseOf, type Because } from './reason.ts';

/** What comes after an alert that is out, to those who had it. */
export type Following = {
  readonly kind: 'update' | 'correction' | 'withdrawal' | 'closing';
  readonly marking: Marking;
  /** Of an update: whether who answered before answers again. */
  readonly asksAgain: boolean;
};

/** What a dispatch of an alert is to its readers: first of all a first alert, with its rounds. */
export type Dispatched = Omit<Following, 'kind'> & {
  readonly kind: Following['kind'] | 'first';
};

/** Which saved text tells whoever had an alert what became of it: its name in the file. */
export function followingText(
  { markingCeilings, texts }: Pick<OperatingModel, 'markingCeilings' | 'texts'>,
  { kind, marking, asksAgain }: Following,
): { readonly key: string; readonly text: string } {
  const [open, marked] = {
    correction: [texts.correction, texts.correctionMarked],
    update: asksAgain
      ? [texts.updateAsking, texts.updateAskingMarked]
      : [texts.update, texts.updateMarked],
    // What ends an alert says nothing of it.
    withdrawal: [texts.withdrawal, undefined],
    closing: [texts.closing, undefined],
  }[kind] as [string, string | undefined];
  const key = kind === 'update' && asksAgain ? 'update_asking' : kind;
  if (marked === undefined || within(marking, markingCeilings.text)) return { key, text: open };
  return { key: `${key}_marked`, text: marked };
}

/** Why whoever had an alert is told what became of it: the words that are saved for it. */
export function becauseFollowing(
  model: OperatingModel,
  severity: Severity,
  following: Following,
): Because {
  const { key } = followingText(model, following);
  const says = `Whoever may have had what is out before is told, once and by the same ways, in the words ‘${key.replaceAll('_', ' ')}’`;
  const { quietHours } = severity;
  const waits = following.kind === 'update' || following.kind === 'closing';
  const hours = !waits
    ? 'it waits for no hours'
    : quietHours === undefined
      ? 'no quiet hours'
      : openingHours(model, severity, quietHours);
  return becauseOf(model, `texts.${key}`, { says, hours });
}

/** Why one message of an alert is sent; undefined where the severity has no such round. */
export function becauseSent(
  model: OperatingModel,
  severity: Severity,
  sent: Dispatched,
  message: { readonly round: number; readonly rank: number },
): Because | undefined {
  const { kind } = sent;
  if (kind === 'first') return becauseMessage(model, severity, message);
  return becauseFollowing(model, severity, { ...sent, kind });
}

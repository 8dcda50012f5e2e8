/** From an alert, a directory and rules to the messages that a submission would freeze. Pure. */
import {
  bodyOf,
  composeRounds,
  markOf,
  renderRounds,
  textFor,
  unchasedReaders,
  type AskedOrganisation,
  type ComposedMessage,
  type Reachable,
  type Wording,
} from '#alerts/index.ts';
import type { OperatingModel, Severity } from '#operating-model/index.ts';
import type { Planned } from './model.ts';

/** Whom the audience means, and whom it reaches, read once for all rules. */
export type Directory = {
  readonly organisations: readonly AskedOrganisation[];
  readonly people: readonly Reachable[];
};

export type Words = {
  readonly wording: Wording;
  readonly alertNumber: number;
  readonly origin: string;
  readonly formatTime: (at: Date) => string;
  /** Either decides which mark stands before each text. */
  readonly exercise: boolean;
  readonly besideExercise: boolean;
};

/** Every message of every round under these rules. */
export function planMessages(
  { people }: Directory,
  { wording, ...words }: Words,
  { model, severity }: { readonly model: OperatingModel; readonly severity: Severity },
): Planned[] {
  const mark = markOf(words, model);
  const templates = renderRounds(wording, { ...words, mark, model, severity, kev: null });
  const fragmentsOf = fragmentCounter();
  return composeRounds(people, templates, unchasedReaders(model)).map((message) => ({
    contactPointId: message.contactPointId,
    channel: message.template.channel,
    round: message.template.round,
    rank: message.rank,
    role: message.role,
    organisationIds: message.organisationIds,
    fragments: message.template.channel === 'mail' ? 0 : fragmentsOf(message),
  }));
}

/** Letters beyond ASCII, and those that count twice: names with them are looked at one by one. */
const SPECIAL = /[^ -~]|[[\]^{}~|\\]/;

/** Billed parts of a text. All names of one length make texts of one length, but for such letters. */
function fragmentCounter(): (message: ComposedMessage) => number {
  const known = new Map<string, number>();
  return (message) => {
    const { name, template, reader } = message;
    const look = SPECIAL.test(name) ? name : name.length;
    const key = `${template.round} ${reader ?? ''} ${look}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    // A code is four digits, whichever.
    const { fragments } = textFor(bodyOf(message), { organisation: name, code: '0000' });
    known.set(key, fragments);
    return fragments;
  };
}

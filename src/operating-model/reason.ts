/** A reason: a rule in one sentence, and where it stands in its version of the model. Pure. */
import type { OperatingModel, TextName } from './model.ts';

export type Because = {
  /** As the file has it: `severities.high.rounds[1]`. */
  readonly rule: string;
  /** SHA-256 of the file. */
  readonly version: string;
  readonly says: string;
  /** What the hours of the day have to do with it; undefined where they cannot have any. */
  readonly hours: string | undefined;
  /** The rule on the page of that version. */
  readonly href: string;
};

/** The name of a rule's place on the page of its version. */
export function anchorOf(rule: string): string {
  return `rule-${rule.replaceAll(/[.[\]]+/g, '-').replace(/-$/, '')}`;
}

/** The name that the file has for a saved text: `updateAsking` is `update_asking`. */
export function fileKeyOf(text: TextName): string {
  return text.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

/** The page of a version, whether or not it was ever in force. */
export function pageOfRules(version: string): string {
  return `/operating-model/rules/${version}`;
}

/** The rule at a place of the file, in a sentence, with its link. */
export function becauseOf(
  { version }: Pick<OperatingModel, 'version'>,
  rule: string,
  { says, hours }: { readonly says: string; readonly hours?: string | undefined },
): Because {
  return { rule, version, says, hours, href: `${pageOfRules(version)}#${anchorOf(rule)}` };
}

/** What is promised is promised by night too. */
export const ANY_HOUR = 'at any hour of day and night';

/**
 * Why a message goes that stands in no dispatch of an alert: an automatic answer, a code, a
 * question, a call to wake up. Pure. Whoever sends one names its rule; no others exist.
 */
import type { OperatingModel, Severity } from './model.ts';
import { becauseOf, type Because } from './reason.ts';

/** By the place of the rule in the file. */
const singleRules = {
  'promises.approval': 'The centre owes a decision over what waits for approval: who may is woken',
  'promises.next_update': 'The centre owes the next update when the alert says: who may is woken',
  'promises.call_back': 'The centre owes a call to who asked for help: who may is woken',
  'promises.review': 'What one person let go is looked at by somebody else, who is woken',
  'texts.officers_told': 'Officers are told what another of them did to an alert',
  'texts.after_reply': 'Whoever answers by text is told what was understood',
  'texts.after_help': 'Whoever asks for help by text is told that the duty desk rings',
  'texts.not_understood': 'Whoever texts what is no clear answer is told how to answer',
  'texts.which_alert': 'Whoever may mean several alerts is told the code of each',
  'texts.genuine': 'Whoever asks whether an alert is genuine is told that it is',
  'texts.genuine_other': 'Whoever asks whether a text is genuine is told when ours left',
  'texts.not_ours': 'Whoever asks about a text that is not ours is told so',
  'texts.to_colleague': 'Whoever of the centre texts it is told that nothing is done by text',
  'texts.enrol': 'Whoever holds a number proves it by a reply',
  'texts.enrolled': 'Whoever proved a number is thanked',
  'texts.still_right': 'A contact is asked whether what is on file is still right',
  'texts.still_right_noted': 'Whoever said that all is still right is thanked',
  'texts.own_code': 'Whoever wants to see their own details gets a code by text',
  'own_details.mail': 'Whoever wants to see their own details gets a code by mail',
  'own_details.replaced': 'What another number or address took the place of is told so',
  proof_mail: 'Whoever holds an address proves it by a code',
  'attestation.mail': 'A contact is asked whether what is on file is still right',
  'signing_in.code_mail': 'Whoever signs in without a passkey gets a code by mail',
  'signing_in.changed_notice': 'Whoever’s account can be opened in another way is told',
} as const;

const REGION_TOLD = 'Leads of a region are told of organisations of theirs that are silent';

/** A place of the file; which severity tells regions is the file's own. */
export type SingleRule = keyof typeof singleRules | `severities.${string}.tell_region`;

/** What a single message keeps of why it goes. */
export type SingleReason = {
  readonly rule: SingleRule;
  /** SHA-256 of the file that has the rule. */
  readonly version: string;
  /** What the rule was applied to: no name, number, code or word of anybody is in it. */
  readonly fact: string;
};

/** The rule that sends a single message, in the version that is obeyed, and to what it is applied. */
export function singleReason(
  { version }: Pick<OperatingModel, 'version'>,
  rule: SingleRule,
  fact: string,
): SingleReason {
  return { rule, version, fact };
}

/** The rule by which the leads of regions are told. */
export function regionRule({ id }: Pick<Severity, 'id'>): SingleRule {
  return `severities.${id}.tell_region`;
}

/** The same as a sentence with its link. */
export function becauseSingle({ rule, version }: Omit<SingleReason, 'fact'>): Because {
  const says = rule in singleRules ? singleRules[rule as keyof typeof singleRules] : REGION_TOLD;
  return becauseOf({ version }, rule, { says, hours: 'it waits for no hours' });
}

/** Every rule that sends single messages under these rules. */
export function singleRulesOf({
  severities,
}: Pick<OperatingModel, 'severities'>): readonly SingleRule[] {
  const telling = severities.filter(({ tellRegion }) => tellRegion !== undefined);
  return [
    ...(Object.keys(singleRules) as (keyof typeof singleRules)[]),
    ...telling.map(regionRule),
  ];
}

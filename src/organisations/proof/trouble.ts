/** What may be wrong with a number or an address, in the words of pages. Pure. */
import type { ContactRules } from '../model.ts';

/** The worst first; each number and address has one at most. */
export const troubles = {
  left: 'Says they have left',
  stop: 'Asked us to stop',
  failing: 'Texts fail',
  bounced: 'Mail comes back',
  silent: 'Never answers',
  unproven: 'Not proven',
  lapsed: 'Still right?',
} as const;

export type Trouble = keyof typeof troubles;

/** From when on it is one. */
export type TroubleRules = {
  readonly proofHoldsForMs: number;
  /** How often a contact says that all on file is still right. */
  readonly attestation: { readonly everyMs: number };
  /** Told so many times without an answer. */
  readonly silentAfter: number;
};

/** The rules, and who is asked for an answer at all: others are silent rightly. */
export function troubleRules(model: TroubleRules & Pick<ContactRules, 'readerKinds'>) {
  const { proofHoldsForMs, attestation, silentAfter, readerKinds } = model;
  const chased = Object.keys(readerKinds).filter((kind) => readerKinds[kind]!.chased);
  return { proofHoldsForMs, attestEveryMs: attestation.everyMs, silentAfter, chased };
}

/** Which trouble it is, with what is known of it. */
export function troubleSentence(row: {
  readonly trouble: Trouble;
  readonly failures: number;
  readonly told: number;
  readonly provenAt: Date | null;
  readonly attestedAt: Date | null;
}): string {
  const { trouble, failures, told, provenAt, attestedAt } = row;
  if (trouble === 'lapsed')
    return attestedAt === null
      ? 'they have never said that all of it is right'
      : 'they last said so too long ago';
  if (trouble === 'left') return 'take them off, or write down that they have not left';
  if (trouble === 'stop')
    return 'texted STOP: ask them who should be told instead, or take the number off';
  if (trouble === 'silent')
    return `told ${told} times ${provenAt === null ? 'and never answered' : 'since the last answer'}`;
  if (trouble === 'failing') return `${failures} texts in a row did not arrive`;
  if (trouble === 'bounced')
    return failures === 1 ? 'the last mail did not arrive' : `${failures} mails did not arrive`;
  return provenAt === null ? 'nobody has answered from it yet' : 'the last answer is too long ago';
}

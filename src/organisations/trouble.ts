/** What may be wrong with a number or an address, in the words of pages. Pure. */

/** The worst first; each number and address has one at most. */
export const troubles = {
  failing: 'Texts fail',
  bounced: 'Mail comes back',
  unproven: 'Not proven',
} as const;

export type Trouble = keyof typeof troubles;

/** Which trouble it is, with what is known of it. */
export function troubleSentence(row: {
  readonly trouble: Trouble;
  readonly failures: number;
  readonly provenAt: Date | null;
}): string {
  const { trouble, failures, provenAt } = row;
  if (trouble === 'failing') return `${failures} texts in a row did not arrive`;
  if (trouble === 'bounced')
    return failures === 1 ? 'the last mail did not arrive' : `${failures} mails did not arrive`;
  return provenAt === null ? 'nobody has answered from it yet' : 'the last answer is too long ago';
}

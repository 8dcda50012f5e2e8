/** Where commands write; a test gives its own. */
export type Output = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
};

export const standard: Output = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
};

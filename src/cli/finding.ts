/** What `bin/tocsin doctor` looks at, and what it says. */
export type Finding = {
  readonly state: 'ok' | 'warn' | 'fail';
  /** What was found, one sentence without a secret in it. */
  readonly found: string;
  /** How to mend it; absent where all is well. */
  readonly mend?: string;
};

/** One thing to look at. Slices bring their own; `main.ts` joins the lists. */
export type Check = { readonly name: string; run(): Promise<Finding> | Finding };

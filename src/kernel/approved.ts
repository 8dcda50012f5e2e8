declare const approval: unique symbol;

/**
 * Proof that a person who shaped no part of it approved exactly the content with this hash, or that
 * it is a saved text to all who must answer, which one person let go under the rules (P5).
 * The type lives here so that lower slices can demand it; only `identity` mints it.
 */
export type Approved = {
  readonly [approval]: true;
  readonly hash: string;
  readonly approvedBy: string;
  readonly approvedAt: Date;
};

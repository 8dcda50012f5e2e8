declare const approval: unique symbol;

/**
 * Proof that a person who shaped no part of it approved exactly the content with this hash (P5).
 * The type lives here so that lower slices can demand it; only `identity` mints it.
 */
export type Approved = {
  readonly [approval]: true;
  readonly hash: string;
  readonly approvedBy: string;
  readonly approvedAt: Date;
};

/** `own` is of the region RB and of its organisation Eastvale, `other` of RA and Northmoor. */
export type Which = 'own' | 'other' | 'absent';

/** An object of the walk through all routes. */
export type Named = {
  readonly kind: string;
  readonly which: Which;
  readonly id: string;
  /** Whose own it is, where it is one visitor's alone. */
  readonly of?: string;
};

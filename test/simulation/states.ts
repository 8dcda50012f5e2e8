import type { MessageState } from '#dispatch/model.ts';

/** Final states in which no request was ever accepted and none will be. */
export const neverSent: readonly MessageState[] = ['cancelled', 'expired', 'suppressed'];

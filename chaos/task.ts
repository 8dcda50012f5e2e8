/** What the child processes of a run are told, and the waits they work by. */
import type { ClientConfig } from 'pg';

/**
 * Production waits 5, 20 and 5 s for a provider and 35 s before it looks up, so that a lease lasts
 * 62 s; it takes the provider's clock to be two minutes off, and leaves a provider that fails alone
 * for 10 s to two minutes. Here all of it is about a quarter, in the same proportions, or a hundred
 * faults would take a day. Shorter still, a busy machine would be a fault by itself.
 */
export const chaosWaits = {
  gateway: { connectMs: 1_000, headersMs: 5_000, bodyMs: 1_000 },
  engine: {
    quietMs: 8_000,
    lookupGapMs: 3_000,
    marginMs: 30_000,
    rest: { leastMs: 2_500, mostMs: 30_000 },
  },
} as const;

/** As the product waits when nobody tells it otherwise. */
export const productionWaits: Waits = { gateway: {}, engine: {} };

/** What a worker of a run does not leave to the product. */
export type Waits = {
  readonly gateway: Partial<(typeof chaosWaits)['gateway']>;
  readonly engine: Partial<(typeof chaosWaits)['engine']>;
};

/** A defect on purpose, to see that the run finds it. */
export type Defect = 'lease' | 'look-up';

export type WorkerTask = {
  readonly database: ClientConfig;
  readonly notifyUrl: string;
  readonly apiKey: string;
  readonly installation: string;
  readonly sealingKey: { readonly id: number; readonly key: Uint8Array };
  readonly defect: Defect | null;
  readonly waits: Waits;
};

export type WebTask = { readonly database: ClientConfig; readonly port: number };

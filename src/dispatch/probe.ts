/**
 * A probe: one message to a handset or mailbox of ours, every few minutes and as the first trial of
 * a gateway that comes back. It is nobody's message: it stands in no dispatch, no board and no
 * figure (P11), its reference is none of an attempt, and it is never sent again.
 */
import type { Outgoing } from './model.ts';

export type Probing = {
  readonly everyMs: number;
  /** The address of ours for each gateway that has one, in the form of `Outgoing.address`. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly wordsAt: (time: Date) => { readonly subject: string; readonly body: string };
};

/** How long a probe is worth anything: told to providers that can drop a text. */
const USE_MS = 120_000;

export function probeTo(
  { id, address }: { readonly id: string; readonly address: string },
  probing: Pick<Probing, 'wordsAt'>,
  now: Date,
): Outgoing {
  return {
    reference: `tocsin-probe-${id}`,
    address,
    ...probing.wordsAt(now),
    expiresAt: new Date(now.getTime() + USE_MS),
  };
}

/** Kinds of changes that take two persons: what each needs, looks at and does. */
import type { z } from 'zod';
import type { Tx } from '#db/database.ts';
import type { Permission } from '#kernel/actor.ts';
import type { Outcome } from '#kernel/outcome.ts';
import type { ChangeLine } from './model.ts';

/** What a change stands on and what it would do, as it is at this moment. */
export type ChangeView = {
  /** Whatever must be the same when it is carried out, as JSON; else the change is void. */
  readonly base: unknown;
  readonly lines: readonly ChangeLine[];
};

export type CarryingOut = {
  readonly approvalId: string;
  /** Who asked for it, and why. */
  readonly proposedBy: string;
  readonly reason: string;
  readonly now: Date;
};

type KindOf<P> = {
  readonly id: string;
  /** Such as `A key for a program`. */
  readonly title: string;
  /** What the one must hold who proposes it, then and when it is carried out. */
  readonly proposes: Permission;
  readonly approves: Permission;
  /** What who proposes this very one must hold besides. */
  readonly needs?: (payload: P) => readonly Permission[];
  /** Refuses what cannot be carried out as things stand. */
  readonly look: (tx: Tx, payload: P, now: Date) => Promise<Outcome<ChangeView>>;
  /** Runs in the transaction of the approval. */
  readonly carryOut: (tx: Tx, payload: P, by: CarryingOut) => Promise<Outcome<void>>;
};

/** A kind of change. Slices export theirs; the wiring puts them together. */
export type ChangeKind = KindOf<unknown>;

/** A kind whose payload is always read by this schema first, when it is kept and when it is used. */
export function changeKind<P>(payload: z.ZodType<P>, kind: KindOf<P>): ChangeKind {
  const { needs, look, carryOut } = kind;
  return {
    ...kind,
    needs: (raw) => needs?.(payload.parse(raw)) ?? [],
    look: (tx, raw, now) => look(tx, payload.parse(raw), now),
    carryOut: (tx, raw, by) => carryOut(tx, payload.parse(raw), by),
  };
}

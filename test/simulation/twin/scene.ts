/** What a call of a statement is drawn from. */
import type { Random } from '../random.ts';
import type { Known } from './known.ts';
import type { Twin } from './index.ts';
import { ANSWERS, type Base, type MessageRow } from './rows.ts';

export type Rest<F> = F extends (base: Base, ...rest: infer R) => unknown ? R : never;
export type Scene = { readonly base: Base; readonly random: Random; readonly known: Known };

/** Arguments for one call of each statement; `undefined` where there is nothing to ask now. */
export type Calls = { readonly [K in keyof Twin]: (scene: Scene) => Rest<Twin[K]> | undefined };

export const ALL = 1_000;

/** So many that the choice among equals is clear: a limit between two equal times has no order. */
export function most(random: Random, times: readonly (number | null)[]): number {
  return new Set(times).size === times.length ? random.between(1, 4) : ALL;
}

export function someGateways({ random, known }: Scene): string[] {
  return random.shuffle(known.gatewayIds).slice(0, random.between(1, known.gatewayIds.length));
}

export function someMessages({ base, random }: Scene, most = 5): MessageRow[] {
  return random.shuffle([...base.tables.message.values()]).slice(0, random.between(1, most));
}

/** A dispatch that somebody planned; statements about rounds do not name the standing one. */
export function planned({ random, known }: Scene): string {
  return random.pick(known.dispatchIds.filter((id) => id !== ANSWERS));
}

/** Mostly one of those where the statement has something to do. */
export function mostly<T>({ random }: Scene, some: readonly T[], otherwise: () => T): T {
  return some.length > 0 && random.chance(0.7) ? random.pick(some) : otherwise();
}

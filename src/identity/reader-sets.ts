/**
 * Reader sets: who may read something that a marking protects (P8), as one row that it points to.
 * `identity.readable_sets()` is the rule in the policies of the database; here it is in words.
 */
import type { Actor } from '#kernel/actor.ts';

/** What can be in a set: all people of an organisation, or one person. */
export type ReaderKind = 'organisation' | 'person';

export type Member = {
  readonly kind: ReaderKind;
  readonly id: string;
  readonly from: Date;
  /** From then on no more; null: for good. */
  readonly until: Date | null;
};

export type ReaderSet =
  /** Every organisation of the sector. */
  | { readonly kind: 'community' }
  /** Whoever was let into a space, at the time; and whoever leads it. */
  | { readonly kind: 'space'; readonly id: string; readonly members: readonly Member[] }
  /** Named once: a frozen audience, or some people. */
  | { readonly kind: 'organisations' | 'people'; readonly members: readonly Member[] };

/** True where the actor is in the set at that time. The centre reads beside all sets. */
export function readsSet(actor: Actor, set: ReaderSet, at: Date): boolean {
  const own = 'organisationIds' in actor ? (actor.organisationIds ?? []) : [];
  if (set.kind === 'community') return own.length > 0;
  if (set.kind === 'space' && leads(actor, set.id)) return true;
  return set.members.some(
    (member) =>
      member.from <= at &&
      (member.until === null || at < member.until) &&
      (member.kind === 'organisation'
        ? own.includes(member.id)
        : actor.kind === 'person' && actor.isOfIssuer !== true && actor.id === member.id),
  );
}

function leads(actor: Actor, spaceId: string): boolean {
  return actor.kind === 'person' && (actor.spaceIds ?? []).includes(spaceId);
}

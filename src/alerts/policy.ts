/** Who may do what to an alert, and who may read it; the same answer for every verb. */
import { may, reachOf, readsWords, type Actor, type Permission } from '#kernel/actor.ts';
import { tlp, type Marking } from '#kernel/marking.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
import { readsSet, type ReaderSet } from '#identity/index.ts';
import type { VersionState } from './model.ts';

/** Why the actor may not; undefined where it may. */
export function lacks(actor: Actor, permission: Permission): Refused | undefined {
  if (may(actor, permission)) return undefined;
  return refused('forbidden', 'Your role does not allow this.');
}

/** Why the actor may not write words of this marking: nobody writes what they may not read. */
export function mayNotMark(actor: Actor, marking: Marking): Refused | undefined {
  if (readsWords(actor, marking)) return undefined;
  return refused('invalid', 'There is a problem with what was entered', {
    marking: `Words marked ${tlp(marking)} are for people who have used a passkey`,
  });
}

/** States of what was released, and may be looked up again. */
const OUT: ReadonlySet<VersionState> = new Set(['released', 'superseded', 'closed']);

/** Markings whose words their readers may have beside the centre (TLP 2.0). */
const READ_BY_SET: ReadonlySet<Marking> = new Set(['GREEN', 'AMBER']);

/**
 * Whether the actor may know of a version: the policies of `alerts.version` are the same rule, and
 * `reading.test.ts` holds the two together. `readers` is its reader set; null until it is out. Its
 * words are read by whoever may know of it and has proved enough for its marking (`readsWords`).
 */
export function readsVersion(
  actor: Actor,
  version: {
    readonly state: VersionState;
    readonly marking: Marking;
    readonly readers: ReaderSet | null;
  },
  at: Date,
): boolean {
  if (reachOf(actor) === 'centre') return true;
  if (version.readers === null || !OUT.has(version.state)) return false;
  if (version.marking === 'CLEAR') return true;
  return READ_BY_SET.has(version.marking) && readsSet(actor, version.readers, at);
}

export const absent = refused('not_found', 'There is no such alert.');

export const overtaken = refused('conflict', 'Its state changed meanwhile. Look at it once more.');

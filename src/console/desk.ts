/** What waits for a person, as pages show it. */
import { mayIn, regionsOf, type Actor } from '#kernel/actor.ts';
import type { DeskRow } from './store-desk.ts';

type DeskView = DeskRow & { readonly words: string | undefined };

/** Opens the sealed words of a reply. */
export type OpenReply = (replyId: string, sealed: Buffer) => string;

/** Rows with the words that somebody texted, where there are any. */
export function withWords(rows: readonly DeskRow[], openReply: OpenReply): DeskView[] {
  return rows.map((row) => ({
    ...row,
    words:
      row.replyId === null || row.contentSealed === null
        ? undefined
        : openReply(row.replyId, row.contentSealed),
  }));
}

/** Whatever waits of one organisation: one person deals with it, and one call. */
export type DeskGroup = {
  /** Null: of a stranger, or of nobody. */
  readonly organisation: string | null;
  readonly regionCode: string | null;
  readonly items: readonly DeskView[];
  /** The earliest that was promised. */
  readonly callBackAt: Date | undefined;
  readonly owner:
    | { readonly name: string; readonly since: Date; readonly isLapsed: boolean }
    | undefined;
};

/** In the order of the rows, which stand together. */
export function groupDesk(rows: readonly DeskView[]): DeskGroup[] {
  return Array.from(Map.groupBy(rows, ({ groupId }) => groupId).values(), (items): DeskGroup => {
    const owned = items.toSorted((a, b) => Number(a.isLapsed) - Number(b.isLapsed));
    const owner = owned.find(({ state }) => state === 'claimed');
    const promised = items.flatMap(({ callBackAt }) => callBackAt ?? []);
    return {
      organisation: items[0]!.organisation,
      regionCode: items[0]!.regionCode,
      items,
      callBackAt: promised.toSorted((a, b) => Number(a) - Number(b))[0],
      owner: owner && {
        name: owner.claimedByName!,
        since: owner.claimedAt!,
        isLapsed: owner.isLapsed,
      },
    };
  });
}

type OfRegion = { readonly regionCode: string | null };

/**
 * A board as this actor sees it: it is read once for all. Whose reading is bound to regions sees of
 * whom waits only theirs, and whom to ring on the call list.
 */
export function seenBy<B extends { desk: readonly OfRegion[]; nextCalls: readonly unknown[] }>(
  actor: Actor,
  board: B,
): B & { readonly isOfRegion: boolean } {
  const isOfRegion = regionsOf(actor, 'alert.read') !== undefined;
  return {
    ...board,
    isOfRegion,
    desk: board.desk.filter(({ regionCode }) => mayIn(actor, 'alert.read', regionCode)),
    nextCalls: isOfRegion ? [] : board.nextCalls,
  };
}

/**
 * Telling all officers that one of them let an alert go alone, or corrected, withdrew or closed one
 * that was out (P5): whoever may send or approve is texted, and the duty desk shows it.
 */
import { actorId, nameOf } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import type { Tx } from '#db/database.ts';
import { planWaking, rolesWith, type FindOwed } from '#identity/index.ts';
import {
  fillBlanks,
  marked,
  singleReason,
  type Ladder,
  type OperatingModel,
} from '#operating-model/index.ts';
import { blanksFor, sleepsThrough, type WakingWords } from './owed.ts';
import { findAnnouncement, insertAnnouncement, type Announced } from './store-owed.ts';

/** At once, and once. */
const AT_ONCE = [{ afterMs: 0 }];

/** In the transaction of what is announced. */
export async function announce(
  tx: Tx,
  { alertId, what }: { readonly alertId: string; readonly what: Announced },
): Promise<void> {
  const id = newId();
  const by = actorId(tx.actor);
  const { at } = await insertAnnouncement(tx, { id, alertId, what, by, byName: nameOf(tx.actor) });
  await planWaking(tx, AT_ONCE, { kind: 'announcement', id, madeAt: at, dueAt: at });
}

const WORDS: Readonly<Record<Announced, string>> = {
  sent_alone: 'sent by one person',
  corrected: 'corrected',
  withdrawn: 'withdrawn',
  closed: 'closed',
};

/** Everybody who may send or approve, without regard to severity; but for whoever did it. */
function officersOf(model: OperatingModel): Ladder {
  const roles = [...rolesWith(model, 'dispatch.steer'), ...rolesWith(model, 'alert.approve')];
  return { steps: [{ wake: [...new Set(roles)], afterMs: 0 }], againAfterMs: 0 };
}

export function owedAnnouncement({ model, clockOf }: WakingWords): FindOwed {
  return async (tx, id) => {
    const found = await findAnnouncement(tx, id);
    if (found === undefined) return undefined;
    if (sleepsThrough(model, found)) return undefined;
    const { alertId, what, at, by, exercise } = found;
    const words = fillBlanks(model.texts.officersTold, {
      ...blanksFor(model, found),
      what: WORDS[what],
      time: clockOf(at),
    });
    const body = marked(model, exercise, words);
    return {
      dueAt: null,
      ownerId: null,
      except: [by],
      ladder: officersOf(model),
      text: () => body,
      because: singleReason(
        model,
        'texts.officers_told',
        `alert ${found.alertNumber} was ${WORDS[what]} ${clockOf(at)}`,
      ),
      subject: { kind: 'alert', id: alertId },
    };
  };
}

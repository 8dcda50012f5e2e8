/** What a provider has and this database lost: written down again, and counted as accepted (P10). */
import type { Tx } from '#db/database.ts';
import { raiseAlarms } from './alarms.ts';
import { adoptLost, listNeverSent, restoreAttempts, type SightedText } from './store-continuity.ts';
import { findSecondTexts } from './store-inbox.ts';

/** Writes down the attempts that were lost, and moves their messages; says how many moved. */
export async function adopt(
  tx: Tx,
  gatewayId: string,
  sighted: readonly SightedText[],
): Promise<number> {
  const restored = await restoreAttempts(tx, gatewayId, sighted);
  const adopted = await adoptLost(tx, gatewayId, restored);
  const seconds = await findSecondTexts(
    tx,
    restored.map((one) => ({ ...one, gatewayId, to: 'delivered' })),
  );
  const neverSent = new Set(
    await listNeverSent(
      tx,
      restored.map(({ messageId }) => messageId),
    ),
  );
  await raiseAlarms(tx, [
    ...seconds
      .filter(({ messageId }) => !neverSent.has(messageId))
      .map((second) => ({ ...second, kind: 'accepted_twice' as const })),
    ...restored
      .filter(({ messageId }) => neverSent.has(messageId))
      .map(({ messageId, providerId }) => ({
        messageId,
        gatewayId,
        providerId,
        kind: 'sent_unrecorded' as const,
      })),
  ]);
  return adopted.length;
}

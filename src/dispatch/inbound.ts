/**
 * What comes in by a gateway's own connection is kept by the same inboxes as callbacks. A text that
 * went in parts has one receipt for each; they become one of the whole.
 */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import type { Log } from '#log.ts';
import type { GatewayInbox } from './gateways/gateway.ts';
import { keepReplies, type InboxSeals } from './inbox.ts';
import { insertReceipts } from './store-inbox.ts';
import { findWholeEnd, lockParts, upsertPart, upsertPartEnd } from './store-part.ts';

export type InboundOptions = {
  readonly database: Database;
  readonly seals: InboxSeals;
  readonly log: Log;
};

/** The inbox of one gateway. What the database does not take is said, and brought again. */
export function openInbox(gatewayId: string, options: InboundOptions): GatewayInbox {
  const { database, seals, log } = options;
  const keep = async <T>(work: (tx: Tx) => Promise<T>): Promise<T | undefined> => {
    try {
      return await database.withActor(system(`gateway:${gatewayId}`), work);
    } catch (error) {
      log.error('dispatch.inbox_failed', { gateway: gatewayId, error });
      return undefined;
    }
  };
  return {
    async part(taken) {
      const kept = await keep(async (tx) => {
        await upsertPart(tx, gatewayId, taken);
        await keepWhole(tx, gatewayId, taken.reference);
        return true;
      });
      return kept ?? false;
    },
    async partEnded(ended) {
      const kept = await keep(async (tx) => {
        const reference = await upsertPartEnd(tx, gatewayId, ended);
        if (reference === undefined) return 'nobodys' as const;
        await keepWhole(tx, gatewayId, reference);
        return 'kept' as const;
      });
      return kept ?? 'failed';
    },
    async reply(reply) {
      return (await keep((tx) => keepReplies(tx, gatewayId, [reply], seals))) !== undefined;
    },
  };
}

async function keepWhole(tx: Tx, gatewayId: string, reference: string): Promise<void> {
  await lockParts(tx, gatewayId, reference);
  const whole = await findWholeEnd(tx, gatewayId, reference);
  if (whole !== undefined) await insertReceipts(tx, gatewayId, [{ reference, ...whole }]);
}

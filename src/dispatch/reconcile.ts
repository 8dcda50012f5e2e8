/**
 * Asks before it retries: an unknown is looked up at the provider by its reference, adopted if it
 * is there, sent again only on proof of absence (P2). Accepted messages whose receipt does not come
 * are asked for in the same way.
 */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { afterLookup, formatReference, lookupGapMs, receiptWaitMs, type Found } from './model.ts';
import type { Gateway } from './gateways/gateway.ts';
import { applyReceipts } from './store-inbox.ts';
import {
  adoptMessage,
  claimChecks,
  recordLookup,
  requeueMessage,
  setNextCheck,
  type ToCheck,
} from './store-check.ts';

const CHECKS_MAX = 50;
const LOOKUPS_AT_ONCE = 8;

export type ReconcileOptions = {
  readonly database: Database;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly installation: string;
  /** Between two look-ups of one unknown, in ms. Tests shorten it. */
  readonly lookupGapMs?: number;
  /** Look-ups of a provider that does not answer must not hold up the end of the process. */
  readonly isStopping?: () => boolean;
};

/** Looks up what is due; says how many. */
export async function reconcile(options: ReconcileOptions): Promise<number> {
  const { database, gateways, lookupGapMs: gapMs = lookupGapMs } = options;
  const askable = [...gateways.values()].filter((gateway) => gateway.find !== undefined);
  const gatewayIds = askable.map(({ id }) => id);
  const due = await database.withActor(system('dispatch'), (tx) =>
    claimChecks(tx, { gatewayIds, gapMs, most: CHECKS_MAX }),
  );
  for (let i = 0; i < due.length && options.isStopping?.() !== true; i += LOOKUPS_AT_ONCE) {
    await Promise.all(due.slice(i, i + LOOKUPS_AT_ONCE).map((check) => lookUp(options, check)));
  }
  return due.length;
}

async function lookUp(options: ReconcileOptions, check: ToCheck): Promise<void> {
  const { database, gateways, installation } = options;
  const gateway = gateways.get(check.gatewayId);
  if (gateway?.find === undefined) return;
  const reference = formatReference({
    installation,
    messageId: check.id,
    epoch: check.epoch,
    attempt: check.attempt,
  });
  const found = await gateway.find(reference);
  await database.withActor(system('dispatch'), async (tx) => {
    await recordLookup(tx, {
      messageId: check.id,
      reference,
      answer: found.answer,
      status: found.answer === 'found' ? found.status : null,
    });
    if (check.state === 'unknown') await resolveUnknown(tx, { ...options, check, found });
    await applyStatus(tx, gateway, check, found);
  });
}

type Looked = Pick<ReconcileOptions, 'lookupGapMs'> & {
  readonly check: ToCheck;
  readonly found: Found;
};

async function resolveUnknown(tx: Tx, { check, found, lookupGapMs: gapMs }: Looked): Promise<void> {
  const step = afterLookup(found, check.absences);
  const { id, attempt } = check;
  let changed: boolean;
  switch (step.kind) {
    case 'adopt': {
      const { providerId } = step;
      const waitMs = receiptWaitMs(0)!;
      changed = await adoptMessage(tx, { id, attempt, providerId, receiptWaitMs: waitMs });
      break;
    }
    case 'requeue':
      changed = await requeueMessage(tx, { id, attempt });
      break;
    case 'ask_again': {
      const inMs = gapMs ?? lookupGapMs;
      await setNextCheck(tx, { id, attempt, inMs, absences: step.absences });
      return;
    }
  }
  if (!changed) return;
  await record(tx, {
    action: step.kind === 'adopt' ? 'message.adopted' : 'message.requeued',
    subject: { kind: 'message', id: check.id },
  });
}

/** A final status found by asking counts like a receipt; otherwise ask again, ever more seldom. */
async function applyStatus(tx: Tx, gateway: Gateway, check: ToCheck, found: Found): Promise<void> {
  const meaning = found.answer === 'found' ? gateway.meaningOf(found.status) : undefined;
  if (found.answer === 'found' && (meaning === 'delivered' || meaning === 'undelivered')) {
    await applyReceipts(tx, [
      {
        gatewayId: check.gatewayId,
        messageId: check.id,
        attempt: check.attempt,
        providerId: found.providerId,
        to: meaning,
      },
    ]);
  } else if (check.state === 'accepted') {
    const inMs = receiptWaitMs(check.checks);
    await setNextCheck(tx, { id: check.id, attempt: check.attempt, inMs, absences: 0 });
  }
}

/**
 * Asks before it retries: an unknown is looked up at the provider by its reference, adopted if it
 * is there, sent again only on proof of absence (P2). Accepted messages whose receipt does not come
 * are asked for in the same way.
 */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { afterLookup, formatReference, lookupGapMs, receiptWaitsMs, type Found } from './model.ts';
import type { Gateway } from './gateways/gateway.ts';
import { applyReceipts } from './store-inbox.ts';
import {
  adoptMessage,
  claimChecks,
  recordLookup,
  requeueMessage,
  setNextCheck,
  type ToCheck,
} from './store-send.ts';

const CHECKS_MAX = 50;
const LOOKUPS_AT_ONCE = 8;

export type ReconcileOptions = {
  readonly database: Database;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly installation: string;
};

/** Looks up what is due; says how many. */
export async function reconcile(options: ReconcileOptions): Promise<number> {
  const { database } = options;
  const due = await database.withActor(system('dispatch'), (tx) =>
    claimChecks(tx, lookupGapMs, CHECKS_MAX),
  );
  for (let i = 0; i < due.length; i += LOOKUPS_AT_ONCE) {
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
    if (check.state === 'unknown') await resolveUnknown(tx, check, found);
    await applyStatus(tx, gateway, check, found);
  });
}

async function resolveUnknown(tx: Tx, check: ToCheck, found: Found): Promise<void> {
  const step = afterLookup(found, check.absences);
  switch (step.kind) {
    case 'adopt':
      await adoptMessage(tx, {
        id: check.id,
        providerId: step.providerId,
        receiptWaitMs: receiptWaitsMs[0]!,
      });
      break;
    case 'requeue':
      await requeueMessage(tx, check.id);
      break;
    case 'ask_again':
      await setNextCheck(tx, { id: check.id, inMs: lookupGapMs, absences: step.absences });
      return;
  }
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
      { messageId: check.id, attempt: check.attempt, providerId: found.providerId, to: meaning },
    ]);
  } else if (check.state === 'accepted') {
    const wait = receiptWaitsMs[Math.min(check.checks, receiptWaitsMs.length - 1)]!;
    const inMs = check.checks >= receiptWaitsMs.length ? null : wait;
    await setNextCheck(tx, { id: check.id, inMs, absences: 0 });
  }
}

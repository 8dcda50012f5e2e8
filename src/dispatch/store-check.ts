/** Statements of reconciling: who is to be asked for, and what follows from the answer. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { isUnneeded } from './store-send.ts';

export type ToCheck = {
  id: string;
  dispatchId: string;
  gatewayId: string;
  epoch: number;
  attempt: number;
  state: 'unknown' | 'accepted';
  checks: number;
  absences: number;
};

export type CheckRequest = {
  /** The gateways this process can ask: it must not take what only another one can. */
  readonly gatewayIds: readonly string[];
  readonly gapMs: number;
  readonly most: number;
};

/** Takes messages whose time to be asked for has come, and sets their next time so that another
 * worker does not ask too. Only gateways that can be asked. */
export async function claimChecks(tx: Tx, request: CheckRequest): Promise<ToCheck[]> {
  return await tx.rows<ToCheck>(sql`
    with due as (
      select message.id from dispatch.message message
      join dispatch.gateway gateway on gateway.id = message.gateway_id and gateway.can_be_asked
      where message.state in ('unknown', 'accepted') and message.check_at <= now()
        and message.gateway_id = any(${[...request.gatewayIds]})
      order by message.check_at limit ${request.most} for update of message skip locked
    )
    update dispatch.message message
    set check_at = now() + ${request.gapMs} * interval '1 ms', checks = checks + 1
    from due, dispatch.attempt attempt
    where message.id = due.id and attempt.message_id = message.id
      and attempt.number = message.attempt
    returning message.id, message.dispatch_id, message.gateway_id, attempt.epoch, message.attempt,
      message.state, message.checks, message.absences`);
}

export async function recordLookup(
  tx: Tx,
  lookup: { messageId: string; reference: string; answer: string; status: string | null },
): Promise<void> {
  await tx.run(sql`
    insert into dispatch.lookup (message_id, reference, answer, status)
    values (${lookup.messageId}, ${lookup.reference}, ${lookup.answer}, ${lookup.status})`);
}

/**
 * An unknown that the provider has: it counts as accepted. Like all that follows a look-up it holds
 * for the attempt that was asked for: while a slow answer was on its way, another worker may have
 * sent the next attempt, and this answer says nothing of that one (P2). False where it came so.
 */
export async function adoptMessage(
  tx: Tx,
  adopted: { id: string; attempt: number; providerId: string; receiptWaitMs: number },
): Promise<boolean> {
  const changed = await tx.run(sql`
    update dispatch.message set state = 'accepted', provider_id = ${adopted.providerId},
      accepted_at = now(), check_at = now() + ${adopted.receiptWaitMs} * interval '1 ms',
      checks = 0, absences = 0
    where id = ${adopted.id} and state = 'unknown' and attempt = ${adopted.attempt}`);
  return changed === 1;
}

/**
 * An unknown that the provider surely does not have goes back, if every check of claiming still
 * passes; else it is cancelled (P2). False where it is no longer unknown after this attempt.
 */
export async function requeueMessage(
  tx: Tx,
  { id, attempt }: { id: string; attempt: number },
): Promise<boolean> {
  const changed = await tx.run(sql`
    update dispatch.message message set
      state = case when ${isUnneeded} then 'cancelled' else 'ready' end,
      final_at = case when ${isUnneeded} then now() end,
      due_at = now(), check_at = null, absences = 0, failure_code = 'absent_at_provider'
    from dispatch.dispatch dispatch
    where dispatch.id = message.dispatch_id and message.id = ${id} and message.state = 'unknown'
      and message.attempt = ${attempt}`);
  return changed === 1;
}

export async function setNextCheck(
  tx: Tx,
  next: { id: string; attempt: number; inMs: number | null; absences: number },
): Promise<void> {
  await tx.run(sql`
    update dispatch.message set absences = ${next.absences},
      check_at = now() + ${next.inMs}::int * interval '1 ms'
    where id = ${next.id} and state in ('unknown', 'accepted') and attempt = ${next.attempt}
      and not (state = 'unknown' and ${next.inMs}::int is null)`);
}

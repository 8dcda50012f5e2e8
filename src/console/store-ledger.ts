/** What a dispatch that was paused or stopped left behind, for its board. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { LedgerPart } from './model.ts';

/** By organisations and messages: what left, what may have, what never did. */
export type LedgerRow = {
  historyIsWhole: boolean;
  messages: number;
  messagesGone: number;
  messagesUnknown: number;
  messagesWaiting: number;
  messagesNeverSent: number;
  organisations: number;
  organisationsGone: number;
  organisationsUnknown: number;
  organisationsWaiting: number;
  organisationsNeverSent: number;
};

export async function readLedger(tx: Tx, dispatchId: string): Promise<LedgerRow> {
  return await tx.one<LedgerRow>(sql`
    select history_is_whole, messages, messages_gone, messages_unknown, messages_waiting,
      messages_never_sent, organisations, organisations_gone, organisations_unknown,
      organisations_waiting, organisations_never_sent
    from dispatch.v_ledger where dispatch_id = ${dispatchId}`);
}

/** As `dispatch.ledger_part` numbers them: of the messages of an organisation the least counts. */
const numbers: Readonly<Record<LedgerPart, number>> = {
  gone: 1,
  unknown: 2,
  waiting: 3,
  never_sent: 4,
};

export type LedgerOrganisation = { id: string; name: string; messages: number };

/** The organisations that count in a part, by name; `messages` are those that count there too. */
export async function listLedger(
  tx: Tx,
  question: {
    readonly alertId: string;
    readonly dispatchId: string;
    readonly part: LedgerPart;
    /** Name and id of the last organisation seen. */
    readonly after: readonly [name: string, id: string] | undefined;
    readonly most: number;
  },
): Promise<LedgerOrganisation[]> {
  const { alertId, dispatchId, part, after, most } = question;
  const beyond =
    after === undefined ? sql`true` : sql`(name, id) > (${after[0]}, ${after[1]}::uuid)`;
  return await tx.rows<LedgerOrganisation>(sql`
    select id, name, messages from (
      select counted.organisation_id as id, counted.messages,
        coalesce(organisation.name, 'An organisation that is closed') as name
      from (
        select organisation_id, count(*) filter (where part = ${numbers[part]}) as messages
        from dispatch.v_ledger_credit where dispatch_id = ${dispatchId}
        group by organisation_id having min(part) = ${numbers[part]}
      ) counted
      -- Every list of an alert begins with the recipients that the reader may see.
      join alerts.v_recipient recipient on recipient.alert_id = ${alertId}
        and recipient.organisation_id = counted.organisation_id
      left join organisations.v_known_organisation organisation
        on organisation.organisation_id = counted.organisation_id
    ) named where ${beyond} order by name, id limit ${most}`);
}

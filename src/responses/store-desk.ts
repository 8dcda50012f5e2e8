/** Statements about the duty desk: what waits for a person, and who deals with it. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { newId } from '#kernel/ids.ts';
import { deskStatesBefore, type DeskItemKind, type DeskItemState } from './desk-model.ts';

export type NewDeskItem = {
  readonly alertId: string | null;
  readonly organisationId: string | null;
  readonly contactPointId: string | null;
  /** Who of the centre texted it. */
  readonly personName?: string;
  readonly replyId: string | null;
} & (
  | { readonly kind: 'help'; readonly callBackWithinMs: number }
  | { readonly kind: Exclude<DeskItemKind, 'help'> }
);

/** A call that is promised to who asked for help: the item, when it was promised, and for when. */
export type CallPromise = { id: string; madeAt: Date; callBackAt: Date };

/**
 * Puts it before the duty desk; a second call for help of the same organisation is the same item.
 * Undefined where there was one.
 */
export async function insertDeskItem(
  tx: Tx,
  item: NewDeskItem,
): Promise<{ id: string; madeAt: Date; callBackAt: Date | null } | undefined> {
  const withinMs = item.kind === 'help' ? item.callBackWithinMs : null;
  return await tx.maybe<{ id: string; madeAt: Date; callBackAt: Date | null }>(sql`
    insert into responses.desk_item
      (id, kind, alert_id, organisation_id, contact_point_id, person_name, reply_id, call_back_at)
    values (${newId()}, ${item.kind}, ${item.alertId}, ${item.organisationId},
      ${item.contactPointId}, ${item.personName ?? null}, ${item.replyId},
      now() + ${withinMs} * interval '1 ms')
    on conflict do nothing
    returning id, created_at as made_at, call_back_at`);
}

export type OwedCall = {
  alertNumber: number;
  exercise: boolean;
  severity: string;
  callBackAt: Date;
  /** Null where nobody has it, or whoever had it has said nothing for too long. */
  ownedBy: string | null;
};

/** Undefined where it was dealt with. */
export async function findOwedCall(tx: Tx, id: string): Promise<OwedCall | undefined> {
  return await tx.maybe<OwedCall>(sql`
    select live.number as alert_number, live.exercise, live.severity, item.call_back_at,
      case when item.state = 'claimed' and item.claim_ends_at > now() then item.claimed_by end
        as owned_by
    from responses.desk_item item
    join alerts.v_live live on live.alert_id = item.alert_id
    where item.id = ${id} and item.kind = 'help' and item.state <> 'closed'`);
}

export type DeskItemRow = {
  id: string;
  kind: DeskItemKind;
  state: DeskItemState;
  alertId: string | null;
  alertNumber: number | null;
  exercise: boolean;
  organisationId: string | null;
  regionCode: string | null;
  contactPointId: string | null;
  personName: string | null;
  replyId: string | null;
  contentSealed: Buffer | null;
  createdAt: Date;
  callBackAt: Date | null;
  claimedBy: string | null;
  claimedByName: string | null;
  claimedAt: Date | null;
  claimEndsAt: Date | null;
  /** Claimed, and its owner has said nothing for too long. */
  isLapsed: boolean;
  handedOverByName: string | null;
  closedAt: Date | null;
  closedByName: string | null;
  outcome: string | null;
};

/** Everything of `DeskItemRow`; the caller says which of them. */
export const selectDeskItems = sql`
  select item.id, item.kind, item.state, item.alert_id, live.number as alert_number,
    coalesce(live.exercise, false) as exercise,
    item.organisation_id, organisation.region_code, item.contact_point_id, item.person_name,
    item.reply_id, reply.content_sealed,
    item.created_at, item.call_back_at, item.claimed_by, item.claimed_by_name, item.claimed_at,
    item.claim_ends_at, item.state = 'claimed' and item.claim_ends_at <= now() as is_lapsed,
    item.handed_over_by_name, item.closed_at, item.closed_by_name, item.outcome
  from responses.desk_item item
  left join alerts.v_live live on live.alert_id = item.alert_id
  left join dispatch.v_reply reply on reply.id = item.reply_id
  left join organisations.v_known_organisation organisation
    on organisation.organisation_id = item.organisation_id`;

export async function findDeskItem(tx: Tx, id: string): Promise<DeskItemRow | undefined> {
  return await tx.maybe<DeskItemRow>(sql`
    ${selectDeskItems}
    where item.id = ${id}`);
}

/**
 * The item, and whatever else waits of its organisation: one call deals with all of it. Calls for
 * help first, then the oldest.
 */
export async function listTogether(tx: Tx, id: string): Promise<DeskItemRow[]> {
  return await tx.rows<DeskItemRow>(sql`
    ${selectDeskItems}
    where item.id = ${id} or (item.state <> 'closed' and item.organisation_id =
      (select asked.organisation_id from responses.desk_item asked where asked.id = ${id}))
    order by item.kind = 'help' desc, item.created_at, item.id`);
}

export type OtherCall = { id: string; organisation: string; heldByName: string | null };

/** Calls for help of other organisations by the same number: one person, whom two would ring. */
export async function listOfSameNumber(tx: Tx, id: string): Promise<OtherCall[]> {
  return await tx.rows<OtherCall>(sql`
    select other.id, organisation.name as organisation,
      case when other.state = 'claimed' and other.claim_ends_at > now()
        then other.claimed_by_name end as held_by_name
    from responses.desk_item item
    join responses.desk_item other on other.contact_point_id = item.contact_point_id
      and other.organisation_id <> item.organisation_id
      and other.kind = 'help' and other.state <> 'closed'
    join organisations.v_known_organisation organisation
      on organisation.organisation_id = other.organisation_id
    where item.id = ${id} and item.kind = 'help'
    order by organisation.name`);
}

export type HeldItem = {
  readonly id: string;
  readonly state: DeskItemState;
  readonly regionCode: string | null;
  readonly claimedBy: string | null;
  readonly claimedByName: string | null;
  readonly isLapsed: boolean;
};

/** The same, locked: an organisation has one owner at a time, also where two press at once. */
export async function lockTogether(tx: Tx, id: string): Promise<HeldItem[]> {
  return await tx.rows<HeldItem>(sql`
    select item.id, item.state, organisation.region_code, item.claimed_by, item.claimed_by_name,
      item.state = 'claimed' and item.claim_ends_at <= now() as is_lapsed
    from responses.desk_item item
    left join organisations.v_known_organisation organisation
      on organisation.organisation_id = item.organisation_id
    where item.id = ${id} or (item.state <> 'closed' and item.organisation_id =
      (select asked.organisation_id from responses.desk_item asked where asked.id = ${id}))
    order by item.id for update of item`);
}

export type Holder = {
  readonly by: string;
  readonly byName: string;
  readonly holdsForMs: number;
  /** Null where they took it themselves. */
  readonly handedOverByName: string | null;
};

/** Gives items to a holder; who has one already keeps the time since when. */
export async function markHeld(tx: Tx, ids: readonly string[], holder: Holder): Promise<void> {
  await tx.run(sql`
    update responses.desk_item set state = 'claimed', claimed_by = ${holder.by},
      claimed_by_name = ${holder.byName},
      claimed_at = case when claimed_by = ${holder.by} then claimed_at else now() end,
      claim_ends_at = now() + ${holder.holdsForMs} * interval '1 ms',
      handed_over_by_name = case when claimed_by = ${holder.by} then handed_over_by_name
        else ${holder.handedOverByName} end
    where id = any(${[...ids]}::uuid[])
      and state = any(${deskStatesBefore('claimed')})`);
}

export async function markReleased(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql`
    update responses.desk_item set state = 'open', claimed_by = null, claimed_by_name = null,
      claimed_at = null, claim_ends_at = null, handed_over_by_name = null
    where id = any(${[...ids]}::uuid[]) and state = any(${deskStatesBefore('open')})`);
}

/**
 * When they expect our call now; whoever has it has it until so long after that. Answers with the
 * promises, of the calls for help among them.
 */
export async function updateCallBack(
  tx: Tx,
  ids: readonly string[],
  { inMs, holdsForMs }: { readonly inMs: number; readonly holdsForMs: number },
): Promise<CallPromise[]> {
  const rows = await tx.rows<{ id: string; madeAt: Date; callBackAt: Date | null }>(sql`
    update responses.desk_item set
      call_back_at = case when kind = 'help' then now() + ${inMs} * interval '1 ms' end,
      claim_ends_at = now() + ${inMs + holdsForMs} * interval '1 ms'
    where id = any(${[...ids]}::uuid[]) and state = 'claimed'
    returning id, now() as made_at, call_back_at`);
  return rows.flatMap(({ callBackAt, ...row }) =>
    callBackAt === null ? [] : [{ ...row, callBackAt }],
  );
}

export async function markClosed(
  tx: Tx,
  ids: readonly string[],
  { byName, outcome }: { readonly byName: string; readonly outcome: string },
): Promise<void> {
  await tx.run(sql`
    update responses.desk_item set state = 'closed', closed_at = now(),
      closed_by_name = ${byName}, outcome = ${outcome}
    where id = any(${[...ids]}::uuid[]) and state = any(${deskStatesBefore('closed')})`);
}

export type Promised = { organisationId: string; callBackAt: Date };

/** When these organisations, which asked for help in an alert, expect our call. */
export async function listPromises(
  tx: Tx,
  alertId: string,
  organisationIds: readonly string[],
): Promise<Promised[]> {
  // Seldom anybody has, and most who answer wait for it.
  if (organisationIds.length === 0) return [];
  return await tx.rows<Promised>(sql`
    select organisation_id, call_back_at from responses.desk_item
    where alert_id = ${alertId} and organisation_id = any(${[...organisationIds]}::uuid[])
      and kind = 'help' and state <> 'closed'`);
}

/**
 * The contact points that items came from; for a call for help everybody who asked while it stood.
 */
export async function listAskingPoints(tx: Tx, itemIds: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select contact_point_id as id from responses.desk_item
    where id = any(${[...itemIds]}::uuid[]) and contact_point_id is not null
    union
    select answer.contact_point_id from responses.desk_item item
    join responses.answer answer on answer.alert_id = item.alert_id
      and answer.organisation_id = item.organisation_id and answer.kind = 'help'
    where item.id = any(${[...itemIds]}::uuid[]) and item.kind = 'help'
      and answer.contact_point_id is not null
      and answer.at >= item.created_at and answer.at <= coalesce(item.closed_at, answer.at)`);
  return rows.map(({ id }) => id);
}

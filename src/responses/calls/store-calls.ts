/** Statements about the call list: who is to be rung, who has them, what was tried. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { newId } from '#kernel/ids.ts';
import { ringReasons, type CallEnd, type CallOutcome, type RingReason } from './model.ts';
import { attemptsOf } from './store-attempts.ts';

/** A name of the call list. */
export type ToRing = {
  organisationId: string;
  name: string;
  regionName: string | null;
  why: RingReason;
  /** Said so before a correction took their acknowledgement back. */
  saysAffected: boolean;
  /** Told by phone of a version before, which asked another thing; null where they were not. */
  earlierCallAt: Date | null;
  attempts: number;
  lastAttemptAt: Date | null;
  lastOutcome: CallOutcome | null;
  lastTriedByName: string | null;
  /** Whoever has it now. */
  claimedBy: string | null;
  claimedByName: string | null;
  claimedAt: Date | null;
  /** Its network is in foreign hands: ring mobiles, the switchboard may be on it. */
  isCutOff: boolean;
  /** How many names there are, those beyond the list too. */
  names: number;
};

export type ToRingQuestion = {
  readonly alertId: string;
  /** Of these regions only; undefined: of all. */
  readonly regionCodes: readonly string[] | undefined;
  readonly most: number;
};

/**
 * Who is to be rung: first those whom nobody rang yet; of these who were told other words by phone,
 * and act on them, then who said they are affected, then
 * those that nothing reaches, of which it is uncertain, and who were reached and are silent. Then
 * by when they were last tried. Those that somebody has now come last.
 */
export async function listToRing(tx: Tx, question: ToRingQuestion): Promise<ToRing[]> {
  const { alertId, regionCodes, most } = question;
  return await tx.rows<ToRing>(sql`
    with tried as materialized (
      select attempt.organisation_id, count(*) as attempts, max(attempt.at) as at,
        (array_agg(attempt.outcome order by attempt.at desc))[1] as outcome,
        (array_agg(attempt.tried_by_name order by attempt.at desc))[1] as tried_by_name
      from (${attemptsOf(alertId)}) attempt group by attempt.organisation_id
    )
    select to_ring.organisation_id, organisation.name, region.name as region_name, to_ring.why,
      to_ring.says_affected, to_ring.earlier_call_at, coalesce(tried.attempts, 0) as attempts,
      tried.at as last_attempt_at, tried.outcome as last_outcome,
      tried.tried_by_name as last_tried_by_name, held.claimed_by, held.claimed_by_name,
      held.claimed_at, to_ring.organisation_id in (
        select cut.organisation_id from organisations.v_cut_off cut) as is_cut_off,
      count(*) over () as names
    from responses.v_to_ring to_ring
    join organisations.v_known_organisation organisation
      on organisation.organisation_id = to_ring.organisation_id
    left join organisations.v_region region on region.code = organisation.region_code
    left join responses.call held on held.alert_id = to_ring.alert_id
      and held.organisation_id = to_ring.organisation_id and held.ended_at is null
      and held.claim_ends_at > now()
    left join tried on tried.organisation_id = to_ring.organisation_id
    where to_ring.alert_id = ${alertId} and ${isIn(regionCodes)}
    order by held.id is not null, tried.attempts is not null,
      to_ring.earlier_call_at is not null desc, to_ring.says_affected desc,
      array_position(${[...ringReasons]}::text[], to_ring.why), tried.at,
      organisation.name, to_ring.organisation_id
    limit ${most}`);
}

function isIn(regionCodes: readonly string[] | undefined): Sql {
  return regionCodes === undefined
    ? sql`true`
    : sql`organisation.region_code = any(${[...regionCodes]}::text[])`;
}

export type RegionToRing = { code: string; name: string; names: number };

/** How many names each region has. */
export async function countToRing(tx: Tx, alertId: string): Promise<RegionToRing[]> {
  return await tx.rows<RegionToRing>(sql`
    select region.code, region.name, count(*) as names
    from responses.v_to_ring to_ring
    join organisations.v_known_organisation organisation
      on organisation.organisation_id = to_ring.organisation_id
    join organisations.v_region region on region.code = organisation.region_code
    where to_ring.alert_id = ${alertId}
    group by region.code, region.name order by region.name`);
}

export type CalledAlert = {
  alertId: string;
  number: number;
  exercise: boolean;
  title: string;
  /** What it is to the version before. */
  kind: 'first' | 'update' | 'correction' | 'withdrawal';
  state: 'released' | 'closed';
};

/** An alert that is out. */
export async function findCalledAlert(tx: Tx, alertId: string): Promise<CalledAlert | undefined> {
  return await tx.maybe<CalledAlert>(sql`
    select live.alert_id, live.number, live.exercise, words.title, live.kind, live.state
    from alerts.v_live live join alerts.v_words words on words.id = live.version_id
    where live.alert_id = ${alertId}`);
}

export type RungOrganisation = {
  organisationId: string;
  name: string;
  regionCode: string | null;
  regionName: string | null;
  telephone: string | null;
  alertNumber: number;
  exercise: boolean;
  title: string;
  marking: string;
  what: string;
  doNow: string;
  /** Of a correction: what to do for whoever acted on the words before. */
  ifActed: string;
  state: 'released' | 'closed';
  /** What its people text back. */
  code: string;
  /** When it acknowledged what is out. */
  acknowledgedAt: Date | null;
  /** When somebody of it opened what is out with its code: no answer. */
  openedAt: Date | null;
  /** Told by phone of a version before, which asked another thing; null where they were not. */
  earlierCallAt: Date | null;
  /** What the version that is out is to the one before. */
  kind: CalledAlert['kind'];
  /** Null where there is no reason to ring it. */
  why: RingReason | null;
  isCutOff: boolean;
};

/** An organisation that the alert was sent to, and the words to ring it with. */
export async function findRung(
  tx: Tx,
  alertId: string,
  organisationId: string,
): Promise<RungOrganisation | undefined> {
  return await tx.maybe<RungOrganisation>(sql`
    select organisation.organisation_id, organisation.name, organisation.region_code,
      region.name as region_name, organisation.telephone, live.number as alert_number,
      live.exercise, live.marking, words.title, words.what, words.do_now, words.if_acted,
      live.state, live.kind, recipient.code,
      response.acknowledged_at, opening.opened_at, response.earlier_call_at, to_ring.why,
      recipient.organisation_id in (
        select cut.organisation_id from organisations.v_cut_off cut) as is_cut_off
    from alerts.v_live live
    join alerts.v_words words on words.id = live.version_id
    join alerts.v_recipient recipient on recipient.dispatch_id = live.dispatch_id
    join organisations.v_known_organisation organisation
      on organisation.organisation_id = recipient.organisation_id
    left join organisations.v_region region on region.code = organisation.region_code
    left join responses.v_response response on response.alert_id = live.alert_id
      and response.organisation_id = recipient.organisation_id
    left join responses.v_opening opening on opening.alert_id = live.alert_id
      and opening.organisation_id = recipient.organisation_id
      and opening.opened_at >= live.asked_at
    left join responses.v_to_ring to_ring on to_ring.alert_id = live.alert_id
      and to_ring.organisation_id = recipient.organisation_id
    where live.alert_id = ${alertId} and recipient.organisation_id = ${organisationId}`);
}

export type OpenCall = {
  id: string;
  claimedBy: string;
  claimedByName: string;
  claimedAt: Date;
  claimEndsAt: Date;
  isLapsed: boolean;
};

const openCall = (alertId: string, organisationId: string) => sql`
    select id, claimed_by, claimed_by_name, claimed_at, claim_ends_at,
      claim_ends_at <= now() as is_lapsed
    from responses.call
    where alert_id = ${alertId} and organisation_id = ${organisationId} and ended_at is null`;

/** Whoever has this name, also where they have said nothing for too long. */
export async function findOpenCall(
  tx: Tx,
  alertId: string,
  organisationId: string,
): Promise<OpenCall | undefined> {
  return await tx.maybe<OpenCall>(openCall(alertId, organisationId));
}

export async function lockOpenCall(
  tx: Tx,
  alertId: string,
  organisationId: string,
): Promise<OpenCall | undefined> {
  return await tx.maybe<OpenCall>(sql`${openCall(alertId, organisationId)} for update`);
}

export type MyCall = { organisationId: string; name: string; claimedAt: Date; isLapsed: boolean };

/** The names that somebody has, oldest first. */
export async function listCallsOf(tx: Tx, alertId: string, personId: string): Promise<MyCall[]> {
  return await tx.rows<MyCall>(sql`
    select held.organisation_id, organisation.name, held.claimed_at,
      held.claim_ends_at <= now() as is_lapsed
    from responses.call held
    join organisations.v_known_organisation organisation
      on organisation.organisation_id = held.organisation_id
    where held.alert_id = ${alertId} and held.claimed_by = ${personId} and held.ended_at is null
    order by held.claimed_at, held.id`);
}

export type NewCall = {
  readonly alertId: string;
  readonly organisationId: string;
  readonly by: string;
  readonly byName: string;
  readonly holdsForMs: number;
};

/** The id of the call; undefined where somebody has this name. */
export async function insertCall(tx: Tx, call: NewCall): Promise<string | undefined> {
  const row = await tx.maybe<{ id: string }>(sql`
    insert into responses.call
      (id, alert_id, organisation_id, claimed_by, claimed_by_name, claim_ends_at)
    values (${newId()}, ${call.alertId}, ${call.organisationId}, ${call.by}, ${call.byName},
      now() + ${call.holdsForMs} * interval '1 ms')
    on conflict (alert_id, organisation_id) where ended_at is null do nothing
    returning id`);
  return row?.id;
}

export async function renewCall(tx: Tx, id: string, holdsForMs: number): Promise<void> {
  await tx.run(sql`
    update responses.call set claim_ends_at = now() + ${holdsForMs} * interval '1 ms'
    where id = ${id} and ended_at is null`);
}

export async function markCallEnded(tx: Tx, id: string, how: CallEnd): Promise<void> {
  await tx.run(sql`
    update responses.call set ended_at = now(), ended_how = ${how}
    where id = ${id} and ended_at is null`);
}

/** Who answered by themselves need not be rung. */
export async function endCallsOf(
  tx: Tx,
  alertId: string,
  organisationIds: readonly string[],
): Promise<void> {
  await tx.run(sql`
    update responses.call set ended_at = now(), ended_how = 'answered'
    where alert_id = ${alertId} and organisation_id = any(${[...organisationIds]}::uuid[])
      and ended_at is null`);
}

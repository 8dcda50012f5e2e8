/** Codes that sign in, and apps that show numbers: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { IN_FORCE } from './store-held.ts';

export type App = {
  readonly id: string;
  readonly personId: string;
  readonly sessionId: string;
  readonly secretSealed: Buffer;
  readonly vouchedBy: readonly string[];
  readonly madeAt: Date;
};

export async function insertApp(tx: Tx, app: App): Promise<void> {
  await tx.run(sql`
    insert into identity.authenticator_app (id, person_id, session_id, secret_sealed, vouched_by,
      made_at)
    values (${app.id}, ${app.personId}, ${app.sessionId}, ${app.secretSealed},
      ${[...app.vouchedBy]}, ${app.madeAt})`);
}

const APP = sql`
  select id, person_id, session_id, secret_sealed, vouched_by, made_at
  from identity.authenticator_app`;

/** One that is still being set up. */
export async function selectPendingApp(tx: Tx, id: string): Promise<App | undefined> {
  return await tx.maybe<App>(sql`
    ${APP} where id = ${id} and confirmed_at is null and ended_at is null`);
}

/** The one that a person signs in with. */
export async function selectApp(tx: Tx, personId: string): Promise<App | undefined> {
  return await tx.maybe<App>(sql`
    ${APP} where person_id = ${personId} and confirmed_at is not null and ended_at is null`);
}

/** 0 where it is confirmed or ended already. */
export async function markAppConfirmed(tx: Tx, id: string, now: Date): Promise<number> {
  return await tx.run(sql`
    update identity.authenticator_app set confirmed_at = ${now}
    where id = ${id} and confirmed_at is null and ended_at is null`);
}

/** 0 where a number of these thirty seconds, or of later ones, was taken already. */
export async function markStepUsed(tx: Tx, id: string, step: number): Promise<number> {
  return await tx.run(sql`
    update identity.authenticator_app set last_step = ${step}
    where id = ${id} and last_step < ${step}::bigint`);
}

/** Ends the app of a person, and what was being set up beside it, but for one; says how many. */
export async function markAppsEnded(
  tx: Tx,
  { personId, keptId }: { readonly personId: string; readonly keptId: string | null },
  ended: { readonly at: Date; readonly by: string },
): Promise<number> {
  return await tx.run(sql`
    update identity.authenticator_app set ended_at = ${ended.at}, ended_by = ${ended.by}
    where person_id = ${personId} and ended_at is null and id is distinct from ${keptId}::uuid`);
}

export type NewCode = {
  readonly id: string;
  readonly networkIndex: Buffer;
  readonly askedAt: Date;
};

/** For whoever has this address; of a stranger alike, with nobody behind it. */
export async function insertCodeFor(tx: Tx, code: NewCode, email: string): Promise<void> {
  await tx.run(sql`
    insert into identity.sign_in_code (id, person_id, network_index, asked_at)
    values (${code.id}, (select person.id from identity.person where person.email = ${email}),
      ${code.networkIndex}, ${code.askedAt})`);
}

/** For somebody signed in, to prove their address while an app is set up. */
export async function insertCodeOfApp(
  tx: Tx,
  code: NewCode & { readonly personId: string; readonly appId: string },
): Promise<void> {
  await tx.run(sql`
    insert into identity.sign_in_code (id, person_id, app_id, network_index, asked_at)
    values (${code.id}, ${code.personId}, ${code.appId}, ${code.networkIndex}, ${code.askedAt})`);
}

/**
 * Until the end of the transaction nobody else counts codes: two that are asked for at once would
 * each find room for the last one.
 */
export async function lockCodeCounts(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended('identity.code', 0))`);
}

export async function countCodesFrom(tx: Tx, networkIndex: Buffer, since: Date): Promise<number> {
  const row = await tx.one<{ asked: number }>(sql`
    select count(*) as asked from identity.sign_in_code
    where network_index = ${networkIndex} and asked_at > ${since}`);
  return row.asked;
}

export type CodeToSend = {
  readonly personId: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly isForApp: boolean;
  /** Sent to this person, and to everybody, in the last hour. */
  readonly inHour: number;
  readonly inAll: number;
};

/** Their mail is on a network that is cut off: whoever holds that would read the code. */
const isOnCutOff = sql`exists (select from kernel.cut_off
  where cut_off.lifted_at is null and split_part(person.email, '@', 2) = any(cut_off.domains))`;

/** One that was asked for lately and not sent, of an active person with an app or setting one up. */
export async function selectCodeToSend(
  tx: Tx,
  id: string,
  { askedAfter, anHourAgo }: { readonly askedAfter: Date; readonly anHourAgo: Date },
): Promise<CodeToSend | undefined> {
  return await tx.maybe<CodeToSend>(sql`
    select person.id as person_id, person.email, code.app_id is not null as is_for_app,
      array(select distinct held.role from identity.role_grant held
        where held.person_id = person.id and ${IN_FORCE}) as roles,
      (select count(*) from identity.sign_in_code sent
        where sent.person_id = person.id and sent.sent_at > ${anHourAgo}) as in_hour,
      (select count(*) from identity.sign_in_code sent
        where sent.asked_at > ${anHourAgo} and sent.sent_at is not null) as in_all
    from identity.sign_in_code code
    join identity.person on person.id = code.person_id and person.active
    where code.id = ${id} and code.sent_at is null and code.asked_at > ${askedAfter}
      and not ${isOnCutOff}
      and exists (select from identity.authenticator_app app
        where app.person_id = person.id and app.ended_at is null
          and (app.confirmed_at is not null or app.id = code.app_id))`);
}

export async function markCodeSent(
  tx: Tx,
  { id, codeIndex, now }: { readonly id: string; readonly codeIndex: Buffer; readonly now: Date },
): Promise<void> {
  await tx.run(sql`
    update identity.sign_in_code set code_index = ${codeIndex}, sent_at = ${now}
    where id = ${id} and sent_at is null`);
}

export type CodeRow = {
  readonly personId: string | null;
  readonly appId: string | null;
  readonly askedAt: Date;
  readonly codeIndex: Buffer | null;
  readonly wrongTries: number;
  readonly usedAt: Date | null;
};

/** Tries of one code take turns. */
export async function lockCode(tx: Tx, id: string): Promise<CodeRow | undefined> {
  return await tx.maybe<CodeRow>(sql`
    select person_id, app_id, asked_at, code_index, wrong_tries, used_at
    from identity.sign_in_code where id = ${id} for update`);
}

/** The newest code that proves the address of an app. */
export async function selectCodeOfApp(tx: Tx, appId: string): Promise<string | undefined> {
  const row = await tx.maybe<{ id: string }>(sql`
    select id from identity.sign_in_code where app_id = ${appId}
    order by asked_at desc, id desc limit 1`);
  return row?.id;
}

export async function markCodeWrong(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`
    update identity.sign_in_code set wrong_tries = wrong_tries + 1 where id = ${id}`);
}

export async function markCodeUsed(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.run(sql`update identity.sign_in_code set used_at = ${now} where id = ${id}`);
}

/**
 * Roles: given, asked for, handed over and ended. In a live installation one that allows something
 * only with a passkey takes two persons, wherever there is a second one who could agree.
 */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId, may } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { agreeTo, askAgreement, endAgreement, hashOfGiven, type Given } from './agreement.ts';
import { isLive } from './installation.ts';
import { isSelf, needsPasskey, rolesWith, type RoleModel } from './model.ts';
import { noSuchPerson, notOneself, unknownPlaces, unknownRole, wrongPlaces } from './refusals.ts';
import { ofOrganisation, scopeOf, type Scope } from './scope.ts';
import { holdOpenSpace } from './spaces/store.ts';
import { selectHadConfirmer } from './store-second-person.ts';
import {
  insertRoleRequest,
  markOldRequestsRefused,
  markRoleRequestGiven,
  markRoleRequestRefused,
  selectRoleRequests,
} from './store-role-request.ts';
import { markLapsed, selectOpenGrant, type Term } from './store-held.ts';
import { insertGrant, markGrantEnded, passRolesOn, selectPerson } from './store.ts';

/** A request that nobody answered is void after this. */
const REQUEST_LIFE_MS = 24 * 3_600_000;

type By = { readonly model: RoleModel; readonly now: Date };

/** A role of somebody; some are held for one organisation, one region or one space each. */
export type HeldRole = Scoped & Partial<Term>;

type Scoped = Scope & { readonly personId: string; readonly role: string };

/** Whether it is theirs now, or waits for a second person. */
export type Giving = 'given' | 'asked';

/** Gives a role to somebody else, or asks for it where it is dangerous. Done already is done. */
export async function giveRole(
  tx: Tx,
  given: HeldRole,
  { model, now }: By,
): Promise<Outcome<Giving>> {
  if (!(given.role in model.roles)) return unknownRole(given.role);
  const wrong = wrongPlaces(given, scopeOf(model, given.role));
  if (wrong !== undefined) return wrong;
  if (given.spaceId !== null && !(await holdOpenSpace(tx, given.spaceId)))
    return unknownPlaces(['space']);
  if (isSelf(tx.actor, given.personId)) return notOneself;
  const person = await selectPerson(tx, given.personId);
  if (person === undefined) return noSuchPerson;
  await endLapsed(tx, person.id);
  const open = await selectOpenGrant(tx, given);
  if (open !== undefined) return isSameTerm(open, given, now) ? ok('given') : otherTerm;
  const giving = await giveOrAsk(tx, given, { model, now });
  // Somebody may have given it for other days in this moment: then those hold, and not these.
  const held = giving === 'given' ? await selectOpenGrant(tx, given) : undefined;
  return held === undefined || isSameTerm(held, given, now) ? ok(giving) : otherTerm;
}

/** Posted twice; one that began since it was planned is as one that was given at once. */
function isSameTerm(open: Term, { startsAt, endsAt }: Partial<Term>, now: Date): boolean {
  const begins = open.startsAt !== null && open.startsAt > now ? open.startsAt : null;
  return begins?.getTime() === startsAt?.getTime() && open.endsAt?.getTime() === endsAt?.getTime();
}

/** Roles whose planned end has come: they hold no more already; this writes it down. */
export async function endLapsed(tx: Tx, personId?: string): Promise<number> {
  const lapsed = await markLapsed(tx, personId);
  for (const held of lapsed) await recordRole(tx, 'role.ended', held);
  return lapsed.length;
}

/** The role itself, to whom and by whom is decided already. */
export async function giveOrAsk(tx: Tx, given: HeldRole, { model, now }: By): Promise<Giving> {
  const { actor } = tx;
  const askedBy = actorId(actor);
  const isAlone = actor.kind !== 'person' || !(await takesTwo(tx, given, model));
  if (isAlone) {
    await grantRole(tx, given, { by: askedBy, agreedBy: null, now });
    return 'given';
  }
  await markOldRequestsRefused(tx, { personId: given.personId, askerId: askedBy, now });
  const expiresAt = new Date(now.getTime() + REQUEST_LIFE_MS);
  const term = { startsAt: given.startsAt ?? null, endsAt: given.endsAt ?? null };
  const id = newId(now.getTime());
  const asked = { kind: 'role_request', id, given: givenOf({ ...given, ...term, id }) };
  const approvalId = await askAgreement(tx, asked, { now, lifeMs: REQUEST_LIFE_MS });
  const request = { ...given, ...term, id, askedBy, askedAt: now, expiresAt, approvalId };
  if ((await insertRoleRequest(tx, request)) > 0) await recordRole(tx, 'role.asked', given);
  else await endAgreement(tx, approvalId, now);
  return 'asked';
}

/** What a second person agrees to, and signs. */
function givenOf({ startsAt, endsAt, ...asked }: HeldRole & { readonly id: string }): Given {
  return {
    request: asked.id,
    person: asked.personId,
    role: asked.role,
    organisation: asked.organisationId,
    region: asked.regionCode,
    space: asked.spaceId,
    from: startsAt?.toISOString() ?? null,
    until: endsAt?.toISOString() ?? null,
  };
}

/** Those that wait, each with what a second person signs. */
export async function listAskedRoles(tx: Tx, now: Date, personId?: string) {
  const waiting = await selectRoleRequests(tx, now, personId);
  return waiting.map((one) => ({ ...one, hash: hashOfGiven(givenOf(one)) }));
}

/** True of what needs a passkey, in a live installation, where somebody ever was to agree. */
async function takesTwo(tx: Tx, { role, personId }: HeldRole, model: RoleModel): Promise<boolean> {
  if (!needsPasskey(model, [role]) || !(await isLive(tx))) return false;
  const roles = rolesWith(model, 'person.manage');
  return await selectHadConfirmer(tx, { exceptIds: [personId, actorId(tx.actor)], roles });
}

async function grantRole(
  tx: Tx,
  given: HeldRole,
  { by, agreedBy, now }: { by: string; agreedBy: string | null; now: Date },
): Promise<void> {
  // A start that passed while the second person thought about it is at once.
  const startsAt = given.startsAt && given.startsAt > now ? given.startsAt : null;
  const grant = {
    ...given,
    startsAt,
    id: newId(now.getTime()),
    givenAt: now,
    givenBy: by,
    agreedBy,
  };
  if ((await insertGrant(tx, grant)) > 0) await recordRole(tx, 'role.given', given);
}

export async function recordRole(tx: Tx, action: string, given: HeldRole): Promise<void> {
  const { personId, role, organisationId, regionCode, spaceId, startsAt, endsAt } = given;
  const detail = {
    role,
    organisationId,
    regionCode,
    spaceId,
    ...(startsAt && { startsAt: startsAt.toISOString() }),
    ...(endsAt && { endsAt: endsAt.toISOString() }),
  };
  await record(tx, { action, subject: { kind: 'person', id: personId }, detail });
}

type Request = { readonly id: string; readonly personId: string };

/** The second person agrees to exactly what was shown, and the role is given. */
export async function agreeToRole(
  tx: Tx,
  request: Request & { readonly hash: string },
  { model, now }: By,
): Promise<Outcome<void>> {
  const { actor } = tx;
  if (actor.kind !== 'person' || !may(actor, 'person.manage')) return notAllowed;
  if (isSelf(actor, request.personId)) return notOneself;
  const asked = (await listAskedRoles(tx, now, request.personId)).find(
    ({ id }) => id === request.id,
  );
  if (asked === undefined) return notTheSecond;
  const agreeing = { approvalId: asked.approvalId, hash: request.hash, given: givenOf(asked) };
  const agreed = await agreeTo(tx, agreeing, { model, now });
  if (!agreed.ok) return agreed;
  const given = await markRoleRequestGiven(tx, {
    id: request.id,
    recipientId: request.personId,
    personId: actor.id,
    roles: rolesWith(model, 'person.manage'),
    since: new Date(now.getTime() - model.signingIn.sessionEndsMs),
    now,
  });
  if (given === undefined) return notTheSecond;
  if (given.endsAt !== null && given.endsAt <= now) return over;
  if (given.spaceId !== null && !(await holdOpenSpace(tx, given.spaceId))) return closed;
  await endLapsed(tx, given.personId);
  await grantRole(tx, given, { by: given.askedBy, agreedBy: actor.id, now });
  return ok(undefined);
}

/** Anybody who manages people takes it back, whoever asked for it. */
export async function refuseRole(tx: Tx, request: Request, { now }: By): Promise<Outcome<void>> {
  const { actor } = tx;
  if (actor.kind !== 'person' || !may(actor, 'person.manage')) return notAllowed;
  const which = { id: request.id, recipientId: request.personId, personId: actor.id, now };
  const refusedRole = await markRoleRequestRefused(tx, which);
  if (refusedRole === undefined) return gone;
  await recordRole(tx, 'role.refused', refusedRole);
  return await endAgreement(tx, refusedRole.approvalId, now);
}

/** Passes roles for organisations on where those hand over; says how many were given. */
export async function handOverRoles(
  tx: Tx,
  over: Omit<Parameters<typeof passRolesOn>[1], 'by'>,
): Promise<number> {
  const by = tx.actor.kind === 'system' ? tx.actor.name : actorId(tx.actor);
  const handed = await passRolesOn(tx, { ...over, by });
  for (const { personId, role, organisationId, isGiven } of handed)
    await recordRole(tx, isGiven ? 'role.given' : 'role.ended', {
      personId,
      role,
      ...ofOrganisation(organisationId),
    });
  return handed.filter(({ isGiven }) => isGiven).length;
}

/** Ends a role of somebody else, from their next request on. */
export async function endRole(
  tx: Tx,
  held: HeldRole,
  { now }: { readonly now: Date },
): Promise<Outcome<void>> {
  if (isSelf(tx.actor, held.personId)) return notOneself;
  const ended = await markGrantEnded(tx, held, { at: now, by: actorId(tx.actor) });
  if (ended === 0) return refused('conflict', 'This person does not hold that role any more.');
  await recordRole(tx, 'role.ended', held);
  return ok(undefined);
}

const notAllowed = refused('forbidden', 'Only a person who manages people can decide this.');

const notTheSecond = refused(
  'conflict',
  'This is not yours to agree to: you asked for it, or whoever did let you in or gave you your role; or it is over.',
);

const closed = refused('conflict', 'That space was closed meanwhile. Refuse it.');

const over = refused('conflict', 'Its last day has passed. Refuse it, and ask for other days.');

const otherTerm = refused(
  'conflict',
  'This person holds that role already, or is to hold it. End that first, then give it for other days.',
);

const gone = refused('conflict', 'This was decided already.');

/**
 * Visits to issuers: somebody is sent there and comes back, to sign in, to link themselves, or to
 * accept an invitation. Each verb runs in the caller's transaction.
 */
import { timingSafeEqual } from 'node:crypto';
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId } from '#kernel/actor.ts';
import { isUuid, newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { acceptOffered } from './invitations.ts';
import { boundBy, isAssured, type Proven } from './issuer-model.ts';
import type { RoleModel } from './model.ts';
import { lackingProof, type InSession } from './passkeys.ts';
import { sha256 } from './secrets.ts';
import { startSession, type SignIn } from './sign-in.ts';
import {
  holdIssuer,
  insertIssuerLink,
  markIssuerLinkEnded,
  markIssuerUsed,
  markLinkUsedNow,
  selectLink,
  selectOrganisationsOf,
  type IssuerLink,
  type IssuerRow,
} from './store-issuer.ts';
import { countPasskeys } from './store-passkey.ts';
import { markSessionsBegunByEnded, selectSessionProof } from './store-session.ts';
import {
  insertVisit,
  markVisitDone,
  markVisitWaits,
  takeVisit,
  type NewVisit,
} from './store-visit.ts';
import { planTelling } from './telling.ts';

/** To read the pages of the issuer, and to find the phone that it asks for. */
export const VISIT_LIFE_MS = 10 * 60_000;

type By = { readonly model: RoleModel; readonly now: Date };

export type VisitWish = Pick<NewVisit, 'issuerId' | 'purpose' | 'returnTo'> & {
  /** Of the cookie that the browser has to bring back. */
  readonly ticket: string;
  readonly sessionId?: string;
  readonly invitationToken?: string;
};

/** Writes down that this browser is sent there; the id of the visit. */
export async function beginVisit(tx: Tx, wish: VisitWish, now: Date): Promise<Outcome<string>> {
  const { issuerId, purpose, returnTo, sessionId, invitationToken } = wish;
  if ((await holdIssuer(tx, issuerId)) === undefined) return noSuchIssuer;
  const id = newId(now.getTime());
  await insertVisit(tx, {
    id,
    issuerId,
    ticketSha256: sha256(wish.ticket),
    purpose,
    sessionId: sessionId ?? null,
    invitationSha256: invitationToken === undefined ? null : sha256(invitationToken),
    returnTo,
    begunAt: now,
  });
  return ok(id);
}

/** The visit that comes back with this state, once; refused to any other browser. */
export async function comeBack(
  tx: Tx,
  back: { readonly issuerId: string; readonly state: string; readonly ticket: string },
  now: Date,
): Promise<Outcome<NewVisit>> {
  const { issuerId, state, ticket } = back;
  const id = state.split('.')[0] ?? '';
  if (!isUuid(id) || !isSame(boundBy(id, ticket).state, state)) return deadVisit;
  const begunAfter = new Date(now.getTime() - VISIT_LIFE_MS);
  const which = { id, issuerId, ticketSha256: sha256(ticket), begunAfter, now };
  const visit = await takeVisit(tx, which);
  return visit === undefined ? deadVisit : ok(visit);
}

function isSame(mine: string, theirs: string): boolean {
  const [a, b] = [Buffer.from(mine), Buffer.from(theirs)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A session, by its token; or null where a number of the person's app has to come first. */
export async function signInByIssuer(
  tx: Tx,
  visit: NewVisit,
  proven: Proven,
  { how }: { readonly how: SignIn },
): Promise<Outcome<string | null>> {
  const { now } = how;
  const issuer = await holdIssuer(tx, visit.issuerId);
  if (issuer === undefined) return noSuchIssuer;
  const link = await selectLink(tx, issuer.id, proven.subject);
  if (link === undefined || !(await isOfIssuer(tx, issuer, link.personId))) return notLinked;
  await markIssuerUsed(tx, issuer.id, now);
  const { issuerSession } = proven;
  if (isAssured(issuer, proven, now)) {
    await markVisitDone(tx, visit.id, now);
    return await startIssuerSession(tx, { issuer, link, issuerSession }, how);
  }
  await markVisitWaits(tx, visit.id, { linkId: link.id, issuerSession });
  const subject = { kind: 'person', id: link.personId };
  await record(tx, { action: 'issuer.proved_too_little', subject, detail: { issuer: issuer.id } });
  return ok(null);
}

/** An issuer of an organisation speaks for those who hold a role there, and for nobody else. */
export async function isOfIssuer(tx: Tx, issuer: IssuerRow, personId: string): Promise<boolean> {
  if (issuer.organisationId === null) return true;
  return (await selectOrganisationsOf(tx, personId)).includes(issuer.organisationId);
}

export async function startIssuerSession(
  tx: Tx,
  by: {
    readonly issuer: IssuerRow;
    readonly link: IssuerLink;
    readonly issuerSession: string | null;
  },
  how: SignIn,
): Promise<Outcome<string>> {
  const { id, personId, vouchedBy } = by.link;
  await markLinkUsedNow(tx, id, how.now);
  const through = { issuerId: by.issuer.id, issuerSession: by.issuerSession };
  const whose = { personId, begunBy: 'issuer', vouchedBy, passkeyId: null, ...through } as const;
  return await startSession(tx, whose, how);
}

/**
 * What stands in the way of linking oneself, or of taking a link away, in this session: the same as
 * for a passkey, because a link is a lasting way in.
 */
export async function lackingForLink(tx: Tx, { personId, sessionId }: InSession, by: By) {
  return await lackingProof(tx, { sessionId }, by, await countPasskeys(tx, personId));
}

/** Links whoever is signed in, in the very session that sent them there. */
export async function linkMyself(
  tx: Tx,
  visit: NewVisit,
  proven: Proven,
  { who, ...by }: By & { readonly who: InSession },
): Promise<Outcome<void>> {
  if (visit.sessionId !== who.sessionId) return deadVisit;
  const issuer = await holdIssuer(tx, visit.issuerId);
  if (issuer === undefined) return noSuchIssuer;
  const lacking = await lackingForLink(tx, who, by);
  if (lacking) return lacking;
  if (!(await isOfIssuer(tx, issuer, who.personId))) return notTheirs;
  const session = await selectSessionProof(tx, who.sessionId);
  const whose = { personId: who.personId, vouchedBy: session?.vouchedBy ?? [] };
  return await keepLink(tx, { issuer, proven, ...whose }, by.now);
}

/** Accepts an invitation as the newcomer who signed in there; the token of their session. */
export async function acceptByIssuer(
  tx: Tx,
  visit: NewVisit,
  proven: Proven,
  { model, how }: { readonly model: RoleModel; readonly how: SignIn },
): Promise<Outcome<string>> {
  const issuer = await holdIssuer(tx, visit.issuerId);
  if (issuer === undefined || visit.invitationSha256 === null) return noSuchIssuer;
  if ((await selectLink(tx, issuer.id, proven.subject)) !== undefined) return signInFirst;
  const accepted = await acceptOffered(tx, visit.invitationSha256, { model, how });
  if (!accepted.ok) return accepted;
  const { personId, vouchedBy, token } = accepted.value;
  if (!(await isOfIssuer(tx, issuer, personId))) return notTheirs;
  const kept = await keepLink(tx, { issuer, proven, personId, vouchedBy }, how.now);
  return kept.ok ? ok(token) : kept;
}

async function keepLink(
  tx: Tx,
  made: {
    readonly issuer: IssuerRow;
    readonly proven: Proven;
    readonly personId: string;
    readonly vouchedBy: readonly string[];
  },
  now: Date,
): Promise<Outcome<void>> {
  const { issuer, personId, vouchedBy } = made;
  const id = newId(now.getTime());
  const link = { id, issuerId: issuer.id, subject: made.proven.subject, personId, vouchedBy };
  if ((await insertIssuerLink(tx, { ...link, linkedAt: now })) === 0) return linkedAlready;
  await markIssuerUsed(tx, issuer.id, now);
  const subject = { kind: 'person', id: personId };
  const detail = { linkId: id, issuer: issuer.id };
  await record(tx, { action: 'issuer.linked', subject, detail });
  await planTelling(tx, personId, 'issuer');
  return ok(undefined);
}

/** Takes one's own link away, and ends the sessions that began by it but this one. */
export async function unlinkMyself(
  tx: Tx,
  who: InSession,
  id: string,
  by: By,
): Promise<Outcome<void>> {
  const lacking = await lackingForLink(tx, who, by);
  if (lacking) return lacking;
  const ended = { at: by.now, by: actorId(tx.actor) };
  const issuer = await markIssuerLinkEnded(tx, { id, personId: who.personId }, ended);
  if (issuer === undefined) return refused('not_found', 'You have no such link.');
  const { personId, sessionId: keptId } = who;
  const began = { personId, begunBy: 'issuer', issuerId: issuer, keptId } as const;
  await markSessionsBegunByEnded(tx, began, by.now);
  const subject = { kind: 'person', id: who.personId };
  await record(tx, { action: 'issuer.unlinked', subject, detail: { linkId: id, issuer } });
  return ok(undefined);
}

export const noSuchIssuer = refused('not_found', 'Nobody signs in that way here.');

export const deadVisit = refused(
  'conflict',
  'This was used, took too long, or began in another browser. Begin again.',
);

const notLinked = refused(
  'forbidden',
  'Nobody here is linked to who you are there. Sign in another way and link yourself on your account page; or ask for an invitation.',
);

const notTheirs = refused('forbidden', 'That sign-in is for people of its own organisation only.');

const signInFirst = refused(
  'conflict',
  'Who you are there has an account here. Sign in with it, then open the invitation again.',
);

const linkedAlready = refused(
  'conflict',
  'Who you are there is linked to somebody here, or you are linked there already. Remove that link first.',
);

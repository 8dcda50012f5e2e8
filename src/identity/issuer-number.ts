/**
 * Where an issuer proved too little: the number of the person's app comes as well. Each verb runs
 * in the caller's transaction.
 */
import type { Tx } from '#db/database.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { CodeSeals } from './codes.ts';
import { deadVisit, isOfIssuer, startIssuerSession, VISIT_LIFE_MS } from './issuer-visits.ts';
import { needsPasskey, type RoleModel } from './model.ts';
import { sha256 } from './secrets.ts';
import type { SignIn } from './sign-in.ts';
import { markStepUsed, selectApp } from './store-code.ts';
import { holdIssuer, lockLink } from './store-issuer.ts';
import {
  countWrongNumbers,
  lockWaitingVisit,
  markVisitDone,
  markVisitWrong,
} from './store-visit.ts';
import { selectPerson } from './store.ts';
import { stepOfNumber } from './totp.ts';

const WRONG_TRIES_MAX = 5;
const HOUR_MS = 3_600_000;

type By = { readonly model: RoleModel; readonly now: Date };

/** The number of the app makes up for what the issuer did not prove. Commit a refusal: it counts. */
export async function addNumber(
  tx: Tx,
  typed: { readonly id: string; readonly ticket: string; readonly number: string },
  { model, seals, how }: { model: RoleModel; seals: CodeSeals; how: SignIn },
): Promise<Outcome<{ readonly token: string; readonly returnTo: string }>> {
  const { now } = how;
  const begunAfter = new Date(now.getTime() - VISIT_LIFE_MS);
  const which = { id: typed.id, ticketSha256: sha256(typed.ticket), begunAfter };
  const visit = await lockWaitingVisit(tx, which);
  if (visit === undefined || visit.wrongTries >= WRONG_TRIES_MAX) return deadVisit;
  const issuer = await holdIssuer(tx, visit.issuerId);
  const link = await lockLink(tx, visit.linkId);
  if (issuer === undefined || link === undefined) return deadVisit;
  if (!(await isOfIssuer(tx, issuer, link.personId))) return deadVisit;
  if (await isGuessing(tx, link.personId, { model, now })) return tooManyWrong;
  if (!(await takeNumber(tx, link.personId, typed.number, { model, seals, now }))) {
    await markVisitWrong(tx, visit.id);
    return visit.wrongTries + 1 >= WRONG_TRIES_MAX ? deadVisit : wrongNumber;
  }
  await markVisitDone(tx, visit.id, now);
  const { issuerSession, returnTo } = visit;
  const begun = await startIssuerSession(tx, { issuer, link, issuerSession }, how);
  return begun.ok ? ok({ token: begun.value, returnTo }) : begun;
}

/**
 * Whoever has what the issuer asks for may begin visits without end: all of them together have as
 * many tries in an hour as the codes of a person have.
 */
async function isGuessing(tx: Tx, personId: string, { model, now }: By): Promise<boolean> {
  const wrong = await countWrongNumbers(tx, personId, new Date(now.getTime() - HOUR_MS));
  return wrong >= WRONG_TRIES_MAX * model.signingIn.codesPerHour.person;
}

/** Uses up the number that the person's app shows; an app is for those who need no passkey. */
async function takeNumber(
  tx: Tx,
  personId: string,
  number: string,
  { model, seals, now }: By & { readonly seals: CodeSeals },
): Promise<boolean> {
  const person = await selectPerson(tx, personId);
  const app = await selectApp(tx, personId);
  if (person === undefined || app === undefined || needsPasskey(model, person.roles)) return false;
  const step = stepOfNumber(seals.openSecret(app.id, app.secretSealed), number, now);
  return step !== undefined && (await markStepUsed(tx, app.id, step)) === 1;
}

const tooManyWrong = refused(
  'forbidden',
  'Too many wrong numbers were typed for this account. Try again in an hour, or use a passkey.',
);

const wrongNumber = refused('invalid', 'The number does not fit. Wait for a new one.', {
  number: 'Check the number that the app shows now',
});

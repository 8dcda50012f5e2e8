/**
 * Cutting an organisation off whose network is in foreign hands, and letting it back (ADR 0026):
 * one transaction ends what its people have open, stops mail to its network, and takes it out of
 * what is read in closed circles. Nobody acts for it from the commit on, in no request that is
 * under way either: `kernel.actor_organisations()` of the database says so at each statement.
 */
import { actorId, may, nameOf } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { maskPersonalData, record } from '#audit/index.ts';
import { openAddressesBut, stopAddresses } from '#dispatch/index.ts';
import { endAccessOf, type EndedAccess } from '#identity/index.ts';
import { listDomains } from '../contacts/store-domains.ts';
import { insertChange } from '../store-history.ts';
import { findOrganisationRecord } from '../store.ts';
import {
  clearProofsAsked,
  insertCutOff,
  listPointsCutOff,
  markCodeSessionsEnded,
  markCodesVoid,
  markLifted,
} from './store-cut-off.ts';

export const REASON_MAX = 500;
const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;

export type CuttingOff = {
  readonly organisationId: string;
  readonly reason: string;
  /**
   * The mail domains of its network: nothing goes there, whoever has the address. Undefined: those
   * that its page calls its own.
   */
  readonly domains: readonly string[] | undefined;
};

export type WasCutOff = EndedAccess & {
  readonly codeSessions: number;
  /** Addresses where nothing goes now, and messages that were on their way there. */
  readonly addresses: number;
  readonly suppressed: number;
};

export async function cutOff(
  tx: Tx,
  { organisationId, reason: said, domains: named }: CuttingOff,
  now: Date,
): Promise<Outcome<WasCutOff>> {
  if (!may(tx.actor, 'organisation.cut_off')) return notAllowed;
  const reason = said.trim();
  const domains = named ?? (await listOwnDomains(tx, organisationId));
  const errors = errorsIn(reason, domains);
  if (errors !== undefined) return refused('invalid', 'Put right what is marked below.', errors);
  if ((await findOrganisationRecord(tx, organisationId)) === undefined)
    return refused('not_found', 'There is no such organisation.');
  const [by, byName] = [actorId(tx.actor), nameOf(tx.actor)];
  if (!(await insertCutOff(tx, { id: newId(), organisationId, domains, reason, by, byName })))
    return refused('conflict', 'It is cut off already. Look at its page.');
  const access = await endAccessOf(tx, organisationId, now);
  const codeSessions = await markCodeSessionsEnded(tx, organisationId, now);
  await markCodesVoid(tx, organisationId, now);
  const points = await listPointsCutOff(tx);
  await clearProofsAsked(tx, points);
  const suppressed = await stopAddresses(tx, points);
  const done = { ...access, codeSessions, addresses: points.length, suppressed };
  await note(tx, organisationId, { lifted: false });
  await record(tx, {
    action: 'organisation.cut_off',
    subject: { kind: 'organisation', id: organisationId },
    detail: { reason: maskPersonalData(reason), domains: [...domains], ...done },
  });
  return ok(done);
}

/**
 * Lets it back: its people may sign in, read and be written to as before. What was ended stays so:
 * each of them signs in anew. By `change-let-back.ts` two persons do it; `approvalId` is null from
 * the server's terminal, and the database takes that of nobody else.
 */
export async function letBack(
  tx: Tx,
  { organisationId, reason: said }: Pick<CuttingOff, 'organisationId' | 'reason'>,
  { approvalId, byName = nameOf(tx.actor) }: LettingBack,
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'organisation.cut_off')) return notAllowed;
  const reason = said.trim();
  const errors = errorsIn(reason, []);
  if (errors !== undefined) return refused('invalid', 'Put right what is marked below.', errors);
  const by = actorId(tx.actor);
  if (!(await markLifted(tx, { organisationId, reason, by, byName, approvalId }))) return notCutOff;
  // Another organisation that is cut off may be on the same network.
  await openAddressesBut(tx, await listPointsCutOff(tx));
  await note(tx, organisationId, { lifted: true });
  await record(tx, {
    action: 'organisation.let_back',
    subject: { kind: 'organisation', id: organisationId },
    detail: { reason: maskPersonalData(reason), byTwo: approvalId !== null, byName },
  });
  return ok(undefined);
}

type LettingBack = {
  readonly approvalId: string | null;
  /** Whoever answers for it at the terminal. */
  readonly byName?: string;
};

async function listOwnDomains(tx: Tx, organisationId: string): Promise<string[]> {
  const known = await listDomains(tx, organisationId);
  return known.filter(({ isOwn }) => isOwn).map(({ domain }) => domain);
}

async function note(tx: Tx, organisationId: string, fields: { readonly lifted: boolean }) {
  await insertChange(tx, { organisationId, contactId: null, what: 'cut_off', fields });
}

function errorsIn(reason: string, domains: readonly string[]) {
  const wrong = domains.find((domain) => !DOMAIN.test(domain));
  const errors = {
    ...(reason === '' && { reason: 'Say why: whoever comes after you reads it' }),
    ...(reason.length > REASON_MAX && { reason: `Say it in ${REASON_MAX} characters` }),
    ...(wrong !== undefined && { domains: `${wrong} is no domain such as northmoor.example` }),
  };
  return Object.keys(errors).length === 0 ? undefined : errors;
}

export const notCutOff = refused('conflict', 'It is not cut off. Look at its page.');

const notAllowed = refused('forbidden', 'Your role may not cut an organisation off.');

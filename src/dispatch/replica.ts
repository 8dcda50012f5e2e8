/**
 * Claims and the synchronous replicas of a site. A claim that is lost with its server is a text
 * that may go twice; so nothing of it is requested before the replicas have it. That is asked after
 * its commit: a commit that waits would hold the locks of its rows, bucket and dispatch, for ever
 * where the replica is away, and nobody could even pause. What else is lost with a server (a
 * settlement is a look-up) does not wait. While the replicas are away nothing is claimed, unless
 * a person takes that risk; it ends by itself when they answer, or a forgotten switch would leave
 * the next one unseen.
 */
import { may, system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import type { Log } from '#log.ts';
import { record } from '#audit/index.ts';
import { notifyAnswers } from './store-answer.ts';
import { notifyAudit } from './store-auditor.ts';
import {
  markAlone,
  markNotAlone,
  markReplicaBack,
  markReplicaAway,
  readReplica,
  type Replica,
} from './store-replica.ts';
import { problemOfReason } from './uncertain.ts';

const subject = { kind: 'database', id: 'replica' } as const;

type Context = { readonly database: Database; readonly log: Log };

/** Whether what was claimed may be requested; `replica` as the transaction of the claim saw it. */
export async function isClaimKept(context: Context, replica: Replica): Promise<boolean> {
  if (!replica.isAsked || replica.aloneSince !== null) return true;
  if (await context.database.isReplicated()) return true;
  await noteAbsence(context);
  return false;
}

/** Looks also while nothing is claimed: an alert is no time to find out. */
export async function watchReplica(context: Context): Promise<void> {
  const { database, log } = context;
  const { isAsked, awaySince } = await database.withActor(system('dispatch'), readReplica);
  if (isAsked && !(await database.isReplicated())) return await noteAbsence(context);
  if (awaySince === null) return;
  const isBack = await database.withActor(system('dispatch'), async (tx) => {
    if (!(await markReplicaBack(tx))) return false;
    await record(tx, { action: 'dispatch.replica_back', subject });
    await tellAll(tx);
    return true;
  });
  if (isBack) log.info('dispatch.replica_back');
}

async function noteAbsence({ database, log }: Context): Promise<void> {
  const isNews = await database.withActor(system('dispatch'), async (tx) => {
    if (!(await markReplicaAway(tx))) return false;
    await record(tx, { action: 'dispatch.replica_away', subject });
    await tellAll(tx);
    return true;
  });
  if (isNews) log.error('dispatch.replica_away');
}

/** Lets claims go on without the replicas, until they answer again. */
export async function sendWithoutReplica(tx: Tx, words: string): Promise<Outcome<void>> {
  if (!may(tx.actor, 'dispatch.steer'))
    return refused('forbidden', 'Your role may not decide this.');
  const reason = words.trim();
  const problem = problemOfReason(reason);
  if (problem !== undefined)
    return refused('invalid', 'Put right what is marked below.', { reason: problem });
  if (!(await markAlone(tx, reason)))
    return refused('conflict', 'Nothing waits for a replica: it answers, or it was decided.');
  await record(tx, { action: 'dispatch.sends_without_replica', subject, detail: { reason } });
  await tellAll(tx);
  return ok(undefined);
}

/** Takes that back: nothing more leaves before the replicas answer. */
export async function waitForReplica(tx: Tx): Promise<Outcome<void>> {
  if (!may(tx.actor, 'dispatch.steer'))
    return refused('forbidden', 'Your role may not decide this.');
  if (!(await markNotAlone(tx)))
    return refused('conflict', 'Sending waits for the replica already.');
  await record(tx, { action: 'dispatch.waits_for_replica', subject });
  await tellAll(tx);
  return ok(undefined);
}

/** Engines and whoever looks at a page. */
async function tellAll(tx: Tx): Promise<void> {
  await notifyAnswers(tx);
  await notifyAudit(tx);
}

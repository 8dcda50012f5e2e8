/** What the acts of the API on an alert have in common. */
import type { Actor } from '#kernel/actor.ts';
import type { Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import { json, problem, type Reply } from '#web/index.ts';
import { withPaths } from './routes-api-values.ts';
import { findVersion } from './store.ts';

/** Runs the verb and answers with what the alert is now. */
export async function act(
  database: Database,
  actor: Actor,
  id: string,
  verb: (tx: Tx) => Promise<Outcome<void>>,
): Promise<Reply> {
  const done = await database.attempt(actor, async (tx) => {
    const outcome = await verb(tx);
    return outcome.ok ? await readState(tx, id) : outcome;
  });
  return done.ok ? json(200, done.value) : problem(withPaths(done));
}

export async function readState(tx: Tx, alertId: string) {
  const version = await findVersion(tx, alertId);
  if (version === undefined) throw new Error(`alert ${alertId} is gone`);
  const { alertNumber: number, state, revision } = version;
  return { ok: true as const, value: { id: alertId, number, state, revision } };
}

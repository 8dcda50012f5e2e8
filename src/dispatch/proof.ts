/**
 * The last check before a dispatch leaves (P5). The web process writes plans, approvals and
 * releases; only the engine's process has the providers' keys. So it makes the hash of what it is
 * about to send itself, and asks who approved exactly that, before the first request. What nobody
 * can prove is paused, whatever kind it is; the mark that it was proved is one that the web process
 * may not write. Once for each dispatch: nothing that was hashed changes after the release.
 */
import { system } from '#kernel/actor.ts';
import { isDatabaseRefusal, type Database, type Tx } from '#db/database.ts';
import type { Log } from '#log.ts';
import { record } from '#audit/index.ts';
import { pauseDispatch } from './actions.ts';
import { findProof, insertProof, listUnproven, type ProofParts } from './store-proof.ts';

/** What holds a dispatch to be approved, or why it does not. */
export type Proof =
  | { readonly holds: true; readonly by: ProofParts }
  | { readonly holds: false; readonly why: string };

/**
 * Who knows what dispatches are for: the slices above. Must say no to what it does not know. May
 * read the dispatch and whatever it hangs on, and writes nothing.
 */
export type Prove = (tx: Tx, dispatchId: string) => Promise<Proof>;

export type ProverOptions = {
  readonly database: Database;
  readonly log: Log;
  readonly prove: Prove;
};

/** Single messages (lane 0) belong to no release; docs/threat-model.md says what bounds them. */
const SINGLE = 0;

type Beginning = { readonly dispatchId: string; readonly lane: number };

export class Prover {
  #options: ProverOptions;
  #proven = new Set<string>();
  #underWay = new Map<string, Promise<void>>();

  constructor(options: ProverOptions) {
    this.#options = options;
  }

  /** Whether a request may be made for it. Asked before each one. */
  allows({ dispatchId, lane }: Beginning): boolean {
    return lane === SINGLE || this.#proven.has(dispatchId);
  }

  /** Resolves when it was looked at, whatever came of it; undefined where it was before. */
  before(beginning: Beginning): Promise<void> | undefined {
    return this.allows(beginning) ? undefined : this.#look(beginning.dispatchId);
  }

  /** Looks at what was released meanwhile: what waits for its round is to be known early. */
  async lookAtNew(): Promise<void> {
    const { database } = this.#options;
    for (const id of await database.withActor(system('dispatch'), listUnproven))
      await this.#look(id);
  }

  /** Several senders begin the same dispatch: it is read once. */
  #look(dispatchId: string): Promise<void> {
    const before = this.#underWay.get(dispatchId);
    if (before !== undefined) return before;
    const looking = this.#lookOnce(dispatchId).finally(() => this.#underWay.delete(dispatchId));
    this.#underWay.set(dispatchId, looking);
    return looking;
  }

  async #lookOnce(dispatchId: string): Promise<void> {
    const { database, log, prove } = this.#options;
    try {
      const refusal = await database.withActor(system('dispatch'), (tx) =>
        proveOnce(tx, prove, dispatchId),
      );
      if (refusal === undefined) this.#proven.add(dispatchId);
      else log.error('dispatch.not_proven', { dispatchId });
    } catch (error) {
      // Nothing of it leaves; who claims it next asks again.
      log.error('dispatch.loop_failed', { error, part: 'proof' });
      if (isLasting(error)) await this.#stop(dispatchId);
    }
  }

  /** Asked again it fails again: it would stand still without a word to anybody. */
  async #stop(dispatchId: string): Promise<void> {
    const { database, log } = this.#options;
    const why = 'the check of its approval failed; the log has it as dispatch.loop_failed.';
    const reason = `Nothing of it leaves: ${why} Resume it once that is mended.`;
    try {
      await database.withActor(system('dispatch'), (tx) => refuse(tx, { dispatchId, reason, why }));
    } catch (error) {
      log.error('dispatch.loop_failed', { error, part: 'proof' });
    }
  }
}

/** A value that the database does not take (SQLSTATE 22): no outage, nor an upgrade half-way. */
function isLasting(error: unknown): boolean {
  return isDatabaseRefusal(error) && error.code?.startsWith('22') === true;
}

/** Why it may not leave; it is paused then. Undefined where it may. */
async function proveOnce(tx: Tx, prove: Prove, dispatchId: string): Promise<string | undefined> {
  if (await findProof(tx, dispatchId)) return undefined;
  const proof = await prove(tx, dispatchId);
  if (proof.holds) {
    const subject = { kind: 'dispatch', id: dispatchId };
    if (await insertProof(tx, dispatchId, proof.by)) {
      await record(tx, { action: 'dispatch.proved', subject, detail: { ...proof.by } });
      return undefined;
    }
    // Another worker was quicker; else what proves it has proved another dispatch.
    if (await findProof(tx, dispatchId)) return undefined;
  }
  const why = proof.holds ? 'Its approval was used for another dispatch before.' : proof.why;
  const reason = `Nothing of it leaves: ${why} Call it off, and find out who released it.`;
  await refuse(tx, { dispatchId, reason, why });
  return why;
}

async function refuse(
  tx: Tx,
  of: { readonly dispatchId: string; readonly reason: string; readonly why: string },
): Promise<void> {
  const { dispatchId, reason, why } = of;
  const subject = { kind: 'dispatch', id: dispatchId };
  const paused = await pauseDispatch(tx, { dispatchId, reason });
  if (paused.ok) await record(tx, { action: 'dispatch.not_proved', subject, detail: { why } });
}

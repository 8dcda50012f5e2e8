/** An audit log with its files, for tests that write it and then do what must not be done. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { record, Sequencer, type Turn, type Verdict } from '#audit/index.ts';
import { auditCommand } from '#cli/audit.ts';
import { invitePerson, type RoleModel } from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ran, type Ran } from './command.ts';
import { cloneDatabase, type Clone } from './database.ts';
import { markingCeilings, signingIn } from './signing-in.ts';

const SECOND_VERIFIER = path.resolve(import.meta.dirname, '../../scripts/verify-audit.mjs');

export const KEEPER = 'keeper@centre.test';
const model: RoleModel = {
  signingIn,
  markingCeilings,
  roles: { keeper: { label: 'Keeper', may: ['audit.keep'] } },
};

export type AuditScene = {
  readonly clone: Clone;
  readonly files: {
    readonly installation: string;
    readonly keysFile: string;
    readonly checkpointsFile: string;
  };
  readonly errors: string[];
  /** One transaction with so many entries. */
  write(entries?: number): Promise<void>;
  /** One turn of a sequencer that starts anew, as after a kill. */
  turn(): Promise<Turn>;
  /** A log with a checkpoint after each of these many entries. */
  grow(...steps: number[]): Promise<void>;
  /** `bin/tocsin audit …`. */
  run(...args: string[]): Promise<Ran>;
  verify(...args: string[]): Promise<Verdict>;
  /** The other verifier, over an export: its exit code and what it says. */
  verifyElsewhere(options?: { checkpoints?: string; keys?: string[] }): Promise<Ran>;
  /** As the superuser, with every trigger off. */
  tamper(...statements: string[]): Promise<void>;
  close(): Promise<void>;
};

export async function openAuditScene(): Promise<AuditScene> {
  const clone = await cloneDatabase();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-audit-'));
  const files = {
    installation: newId(),
    keysFile: path.join(folder, 'audit-keys.json'),
    checkpointsFile: path.join(folder, 'audit-checkpoints.jsonl'),
  };
  await clone.web.withActor(system('test'), (tx) =>
    invitePerson(
      tx,
      { name: 'A keeper', email: KEEPER, roles: ['keeper'] },
      { model, now: new Date() },
    ),
  );
  const errors: string[] = [];
  const log = { error: (event: string) => void errors.push(event) };
  const options = { database: clone.sequencer, log, ...files };
  const run = (...args: string[]) =>
    ran((output) =>
      auditCommand({ database: clone.web, owner: clone.owner, model, ...files }, args, output),
    );
  const scene: AuditScene = {
    clone,
    files,
    errors,
    async write(entries = 1) {
      await clone.web.withActor(system('test'), async (tx) => {
        for (let i = 0; i < entries; i++) {
          const subject = { kind: 'alert', id: newId() };
          await record(tx, { action: 'alert.edited', subject, detail: { i, words: 'äöü, "x"' } });
        }
      });
    },
    turn: () => new Sequencer(options).turn(),
    async grow(...steps) {
      for (const entries of steps) {
        await scene.write(entries);
        assert.equal((await scene.turn()).state, 'signed');
      }
    },
    run,
    async verify(...args) {
      const { code, out, err } = await run('verify', '--json', ...args);
      assert.equal(err, '');
      const verdict = JSON.parse(out) as Verdict;
      assert.equal(code, verdict.isWhole ? 0 : 1);
      return verdict;
    },
    async verifyElsewhere({ checkpoints = files.checkpointsFile, keys } = {}) {
      const entries = path.join(folder, 'entries.jsonl');
      writeFileSync(entries, (await run('export')).out);
      const key = (await run('key')).out.trim().split('\n').slice(0, 1);
      return await node(SECOND_VERIFIER, 'log', entries, checkpoints, ...(keys ?? key));
    },
    tamper: (...statements) => tamper(clone, statements),
    async close() {
      await clone.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return scene;
}

/** Runs a script of ours in a process of its own. */
export async function node(...args: string[]): Promise<Ran> {
  return await new Promise((resolve) => {
    execFile(process.execPath, args, (error, out, err) => {
      resolve({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

const TRIGGERS: readonly (readonly [string, string])[] = [
  ['entry', 'entry_waits'],
  ['entry', 'entry_no_change'],
  ['entry', 'entry_stays'],
  ['leaf', 'leaf_stays'],
  ['node', 'node_stays'],
  ['checkpoint', 'checkpoint_stays'],
];

async function tamper(clone: Clone, statements: readonly string[]): Promise<void> {
  const client = new Client(clone.superuser);
  await client.connect();
  const triggers = async (how: 'disable' | 'enable always') => {
    for (const [table, trigger] of TRIGGERS)
      await client.query(`alter table audit.${table} ${how} trigger ${trigger}`);
  };
  try {
    await client.query('set session_replication_role = replica');
    await triggers('disable');
    for (const statement of statements) await client.query(statement);
    await triggers('enable always');
  } finally {
    await client.end();
  }
}

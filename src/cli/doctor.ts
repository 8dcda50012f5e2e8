/** `bin/tocsin doctor`: looks at everything that a start needs, and says how to mend it. */
import { constants, accessSync, existsSync, statSync, statfsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { readLogHead, stopReasons } from '#audit/index.ts';
import { openDatabase, type Database, type Tx } from '#db/database.ts';
import { checkKind, findDataFolder } from '#db/data-folder.ts';
import { findRunningPostgres } from '#db/embedded-postgres.ts';
import { migrate } from '#db/migrate.ts';
import { readRemembered } from '#db/postgres-place.ts';
import { findServerFacts } from '#db/server-facts.ts';
import { configFromUrl } from '#db/roles.ts';
import { readAudit } from '#dispatch/index.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { checkRules } from './doctor-rules.ts';
import type { Check, Finding } from './finding.ts';
import { standard, type Output } from './output.ts';
import { listenOnce } from './ports.ts';

export const summary = 'check this machine, the data folder and the database';

export const help = `Usage: bin/tocsin doctor [--json]

Looks at everything that a start needs and changes nothing. Exit code 1 when something fails.
`;

const CHECK_TIMEOUT_MS = 15_000;

/** Runs the checks in order; a warning is no failure. */
export async function doctorCommand(
  { checks }: { readonly checks: readonly Check[] },
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  const call = readArguments(args, { options: resultOptions })?.values;
  return await answerCall(call, help, output, ({ json }) => run(checks, json, output));
}

async function run(checks: readonly Check[], json: boolean, output: Output): Promise<ExitCode> {
  const results: (Finding & { name: string })[] = [];
  for (const check of checks) {
    const result = { name: check.name, ...(await examine(check)) };
    results.push(result);
    if (!json) output.out(asText(result));
  }
  const failed = results.filter(({ state }) => state === 'fail').length;
  if (json) output.out(`${JSON.stringify({ ok: failed === 0, checks: results })}\n`);
  else output.out(failed === 0 ? 'Nothing stands in the way of a start.\n' : closing(failed));
  return failed === 0 ? 0 : 1;
}

async function examine(check: Check): Promise<Finding> {
  const late = new AbortController();
  const found = `no answer within ${CHECK_TIMEOUT_MS / 1000} s`;
  const timeout = delay(CHECK_TIMEOUT_MS, { state: 'fail', found } as const, {
    signal: late.signal,
  });
  // Aborted in the good case, which is no news.
  timeout.catch(() => {});
  try {
    return await Promise.race([check.run(), timeout]);
  } catch (error) {
    const { message } = error as Error;
    return { state: 'fail', found: message, mend: 'This is a fault of Tocsin: report it.' };
  } finally {
    late.abort();
  }
}

function asText({ name, state, found, mend }: Finding & { name: string }): string {
  const line = `${state.padEnd(6)}${name.padEnd(18)}${found}\n`;
  return mend === undefined ? line : `${line}${' '.repeat(24)}→ ${mend}\n`;
}

function closing(failed: number): string {
  return failed === 1 ? 'One check failed.\n' : `${failed} checks failed.\n`;
}

export type DoctorConfig = {
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly host: string;
  readonly port: number;
  /** With it a start is live. */
  readonly notify?: object;
  readonly operatingModelFile: string;
  /** What is odd in the environment, a sentence each. */
  readonly warnings: readonly string[];
};

/** The checks of the ground that all slices stand on. */
export function basicChecks(config: DoctorConfig): Check[] {
  return [
    { name: 'Node', run: checkNode },
    ...config.warnings.map((found) => ({
      name: 'settings',
      run: () => ({ state: 'warn', found }) as const,
    })),
    { name: 'data folder', run: () => checkDataFolder(config) },
    { name: 'free space', run: () => checkFreeSpace(config) },
    { name: 'PostgreSQL', run: () => checkPostgres(config) },
    { name: 'migrations', run: () => checkMigrations(config) },
    {
      name: 'rules',
      run: async () => await checkRules(config.operatingModelFile, await findOwner(config)),
    },
    { name: 'invariants', run: () => lookInto(config, findBroken) },
    { name: 'audit log', run: () => lookInto(config, findUnsigned) },
    { name: 'clock', run: () => checkClock(config) },
    { name: `port ${config.port}`, run: () => checkPort(config) },
  ];
}

function checkNode(): Finding {
  const found = `${process.version} on ${process.platform}-${process.arch}`;
  if (Number(process.versions.node.split('.')[0]) >= 24) return { state: 'ok', found };
  return { state: 'fail', found, mend: 'Start it with bin/tocsin, which brings its own Node.' };
}

function checkDataFolder({ dataDir, notify }: DoctorConfig): Finding {
  const folder = findDataFolder(dataDir);
  if (!folder.ok) return { state: 'fail', found: folder.message };
  if (folder.value === undefined) {
    return { state: 'ok', found: `${dataDir} will be made by the first start` };
  }
  const suits = checkKind(folder.value, notify !== undefined);
  if (!suits.ok) return { state: 'fail', found: suits.message };
  const found = `${dataDir} is ${folder.value.installation.kind}`;
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    const mend = 'Give the user that runs Tocsin the folder, and a file system it can write to.';
    return { state: 'fail', found: `${found}, but cannot be written`, mend };
  }
  // The group may pass through where root runs the server as another user, not more.
  const isWide = (statSync(dataDir).mode & 0o067) !== 0;
  if (!isWide) return { state: 'ok', found };
  const mend = `It holds keys: chmod go-rw,o-x ${dataDir}`;
  return { state: 'warn', found: `${found}, and other users may look into it`, mend };
}

const FREE_FAIL_BYTES = 200_000_000;
const FREE_WARN_BYTES = 2_000_000_000;

function checkFreeSpace({ dataDir }: DoctorConfig): Finding {
  const places = [dataDir, readRemembered({ path: dataDir })?.data];
  const free = places
    .filter((place) => place !== undefined && existsSync(place))
    .map((place) => statfsSync(place!))
    .map(({ bavail, bsize }) => bavail * bsize);
  if (free.length === 0) return { state: 'ok', found: 'not known before the first start' };
  const least = Math.min(...free);
  const found = `${(least / 1e9).toFixed(1)} GB`;
  const mend = 'PostgreSQL stops when the disk is full: free some, or move the data folder.';
  if (least < FREE_FAIL_BYTES) return { state: 'fail', found, mend };
  return least < FREE_WARN_BYTES ? { state: 'warn', found, mend } : { state: 'ok', found };
}

const NOT_RUNNING: Finding = {
  state: 'ok',
  found: 'not looked at: the included one is not running',
};

async function findOwner(config: DoctorConfig): Promise<Database['config'] | undefined> {
  if (config.databaseUrl !== undefined) return configFromUrl(config.databaseUrl, 'tocsin_owner');
  return (await findRunningPostgres({ path: config.dataDir }))?.configFor('tocsin_owner');
}

async function checkPostgres(config: DoctorConfig): Promise<Finding> {
  const owner = await findOwner(config);
  if (owner === undefined) {
    return { state: 'ok', found: 'the included one, not running; bin/tocsin start starts it' };
  }
  const facts = await findServerFacts(owner);
  if (facts === undefined) {
    const mend = 'Check DATABASE_URL, the network, and that the server runs.';
    return { state: 'fail', found: 'does not answer', mend };
  }
  const found = `${facts.version}, ${config.databaseUrl === undefined ? 'included' : 'yours'}`;
  if (facts.fsync) return { state: 'ok', found };
  const mend = 'A power cut can lose accepted alerts: set fsync = on.';
  return { state: 'warn', found: `${found}, fsync is off`, mend };
}

async function checkMigrations(config: DoctorConfig): Promise<Finding> {
  const owner = await findOwner(config);
  if (owner === undefined) return NOT_RUNNING;
  const due = await migrate({ config: owner, check: true });
  if (!due.ok) return { state: 'fail', found: due.message };
  const { names } = due.value;
  if (names.length === 0) return { state: 'ok', found: 'all applied' };
  const mend = 'The next start applies them, or now: bin/tocsin migrate';
  return { state: 'warn', found: `${names.length} to apply, from ${names[0]}`, mend };
}

/** Reads from the database, where there is one that this version knows. */
async function lookInto(
  config: DoctorConfig,
  look: (tx: Tx) => Promise<Finding>,
): Promise<Finding> {
  const owner = await findOwner(config);
  if (owner === undefined) return NOT_RUNNING;
  const due = await migrate({ config: owner, check: true });
  if (!due.ok || due.value.names.length > 0)
    return { state: 'ok', found: 'not looked at: migrations are to be applied first' };
  const database = openDatabase(owner, { connectionsMax: 1 });
  try {
    return await database.withActor(system('doctor'), look);
  } finally {
    await database.end();
  }
}

/** What the auditor of a running engine found in the last minute. */
async function findBroken(tx: Tx): Promise<Finding> {
  const { broken, auditedAt, isStale } = await readAudit(tx);
  const [first, ...others] = broken;
  if (first !== undefined) {
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    const found = `${first.breaches} against “${first.holds}”${more}, such as ${first.sample}`;
    return { state: 'fail', found, mend: first.mend };
  }
  if (auditedAt === null) return { state: 'ok', found: 'not checked yet: no worker ever ran' };
  const found = `all held at ${auditedAt.toISOString()}`;
  if (!isStale) return { state: 'ok', found };
  const mend = 'No worker looked since: start one, and see its log for dispatch.audit_failed.';
  return { state: 'fail', found, mend };
}

/** Whether the audit log is written and signed. */
async function findUnsigned(tx: Tx): Promise<Finding> {
  const { size, runAt, stoppedReason } = await readLogHead(tx);
  if (runAt === null) return { state: 'ok', found: 'not written yet: no worker ever ran' };
  if (stoppedReason !== null)
    return { state: 'fail', found: 'nothing is signed', mend: stopReasons[stoppedReason] };
  return { state: 'ok', found: `${size} entries at ${runAt.toISOString()}` };
}

/** No Tocsin is older than this: a machine without a battery wakes up in 1970. */
const EARLIEST = Date.UTC(2026, 10, 1);
const APART_MAX_MS = 2000;

async function checkClock(config: DoctorConfig): Promise<Finding> {
  const mend = 'Deadlines and sign-in links depend on it: switch on time synchronisation (NTP).';
  const found = new Date().toISOString();
  if (Date.now() < EARLIEST) return { state: 'fail', found, mend };
  const owner = await findOwner(config);
  if (owner === undefined) return { state: 'ok', found };
  const apartMs = (await findServerFacts(owner))?.apartMs;
  if (apartMs === undefined || apartMs <= APART_MAX_MS) return { state: 'ok', found };
  return { state: 'fail', found: `${found}, ${apartMs / 1000} s apart from the database`, mend };
}

async function checkPort(config: DoctorConfig): Promise<Finding> {
  const code = await listenOnce(config);
  if (code === undefined) return { state: 'ok', found: 'free' };
  if (code === 'EADDRINUSE') {
    const running = await findRunningPostgres({ path: config.dataDir });
    if (running !== undefined) return { state: 'ok', found: 'taken, and this Tocsin is running' };
    return { state: 'fail', found: 'taken by another program', mend: 'Set PORT to another one.' };
  }
  const mend = 'Set PORT to one above 1023, or TOCSIN_HOST to an address of this machine.';
  return { state: 'fail', found: `cannot be listened on (${code})`, mend };
}

/**
 * `npm test`: types, lint, format, then every test against one PostgreSQL of this run.
 *
 *     npm test                      everything
 *     npm test -- src/dispatch      all checks, and only test files whose path contains this
 *
 * The test runner's own summary is the last thing on stdout; what else went wrong is on stderr.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  globSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { startTestServer } from '../test/support/setup.ts';

/** A pattern that matches nothing makes the runner pass with no test. Raise it as they grow. */
const TESTS_FLOOR = 400;
/**
 * Six processes on two cores: most of a test's time is waiting for PostgreSQL or for a clock. Eight
 * took 1,435 s of processor time where six took 1,303: each reads the program anew.
 */
const LANES = 6;
/** Of those, the ones that begin with what drives browsers and whole programs: minutes each. */
const LANES_OF_LONG = 2;
/** Of a file as well: on a busy machine the longest takes five minutes. */
const TEST_TIMEOUT_MS = 600_000;
const LEFTOVER_AGE_MS = 86_400_000;
const MEMORY = '/dev/shm';
/** The databases of a run take some two gigabytes at most. */
const MEMORY_FREE_BYTES = 8 * 2 ** 30;

const root = path.resolve(import.meta.dirname, '..');
const temporary = 'tocsin-test-run-';

const CHECKS: readonly (readonly [string, readonly string[]])[] = [
  ['types', ['tsc', '--noEmit']],
  ['lint', ['oxlint', '--type-aware', '--deny-warnings']],
  ['format', ['oxfmt', '--check']],
];

process.exitCode = await main(process.argv.slice(2));

async function main(filters: readonly string[]): Promise<number> {
  const files = findTests(filters);
  if (files.length === 0) {
    console.error(`No test file's path contains ${filters.join(' or ')}.`);
    return 1;
  }
  const failed = CHECKS.filter((check) => !passes(check)).map(([name]) => name);
  console.log(`\n== tests (${files.length} files)`);
  const tests = await runTests(files);
  if (tests.left.length > 0)
    console.error(`\nNot tested here, ${tests.left.length}:\n  ${tests.left.join('\n  ')}`);
  if (filters.length === 0 && tests.ran < TESTS_FLOOR) {
    console.error(`\nOnly ${tests.ran} tests ran; at least ${TESTS_FLOOR} were expected.`);
    return 1;
  }
  if (failed.length > 0) console.error(`\nFailed before the tests: ${failed.join(', ')} (above).`);
  return tests.passed && failed.length === 0 ? 0 : 1;
}

function findTests(filters: readonly string[]): string[] {
  const files = globSync('{src,test,chaos}/**/*.test.ts', { cwd: root }).sort();
  const wanted = filters.map((filter) => path.normalize(filter).replace(/^\.\//, ''));
  return wanted.length === 0
    ? files
    : files.filter((file) => wanted.some((filter) => file.includes(filter)));
}

function passes([name, [program = '', ...flags]]: (typeof CHECKS)[number]): boolean {
  console.log(`== ${name}`);
  const file = path.join(root, 'node_modules/.bin', program);
  const { status } = spawnSync(file, flags, { cwd: root, stdio: 'inherit' });
  return status === 0;
}

type Counts = { readonly ran: number; readonly left: readonly string[] };

async function runTests(files: readonly string[]): Promise<{ passed: boolean } & Counts> {
  const place = findPlace();
  sweepLeftovers(place);
  const folder = mkdtempSync(path.join(place, temporary));
  // Where we are root, the server's own user must be able to pass.
  chmodSync(folder, 0o711);
  const { embedded, environment } = await startTestServer(path.join(folder, 'data'));
  try {
    const counts = path.join(folder, 'counts.json');
    const compiled = { NODE_COMPILE_CACHE: path.join(folder, 'compiled') };
    const passed = await runNodeTests(makeLanes(folder, files), {
      counts,
      environment: { ...environment, ...compiled },
    });
    return { passed, ...readCounts(counts) };
  } finally {
    await embedded.stop();
    rmSync(embedded.dataPath, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file for each process, for node's runner: it starts one for each path. */
function makeLanes(folder: string, files: readonly string[]): string[] {
  const lane = pathToFileURL(path.join(root, 'test/support/lane.ts')).href;
  // From both ends: no process is left with what takes minutes, nor do all begin with it.
  const isLong = (file: string) => /^test\/(security|journeys)\//.test(file);
  const [long, short] = [files.filter(isLong), files.filter((file) => !isLong(file))];
  return Array.from({ length: Math.min(LANES, files.length) }, (_, i) => {
    const name = path.join(folder, `lane-${i + 1}.mjs`);
    const order = i < LANES_OF_LONG ? [...long, ...short] : [...short, ...long];
    const run = { root, files: order };
    writeFileSync(
      name,
      `import { runLane } from ${JSON.stringify(lane)};
await runLane(${JSON.stringify(folder)}, ${JSON.stringify(run)});
`,
    );
    return name;
  });
}

async function runNodeTests(
  files: readonly string[],
  { counts, environment }: { counts: string; environment: Record<string, string> },
): Promise<boolean> {
  const flags = ['--test', `--test-concurrency=${LANES}`];
  flags.push(`--test-timeout=${TEST_TIMEOUT_MS}`);
  flags.push('--test-reporter=spec', '--test-reporter-destination=stdout');
  const counter = path.join(root, 'scripts/count-tests.ts');
  flags.push(`--test-reporter=${counter}`, `--test-reporter-destination=${counts}`);
  const child = spawn(process.execPath, [...flags, ...files], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  });
  // Ctrl-C reaches the child too; we stay to stop the server after it.
  const stay = () => {};
  process.on('SIGINT', stay).on('SIGTERM', () => child.kill('SIGTERM'));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  return code === 0;
}

/** How many tests ran, and which were left out, with the reason. */
function readCounts(file: string): Counts {
  try {
    const { passed, failed, left } = JSON.parse(readFileSync(file, 'utf8')) as {
      passed: number;
      failed: number;
      left: string[];
    };
    return { ran: passed + failed, left };
  } catch {
    return { ran: 0, left: [] };
  }
}

/**
 * In memory, where there is enough of it. A database is a thousand files, and hundreds are made and
 * dropped: 0.07 s each there, and up to 0.8 s on ext4, which passes over what was deleted lately.
 */
function findPlace(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > MEMORY_FREE_BYTES ? MEMORY : os.tmpdir();
  } catch {
    return os.tmpdir();
  }
}

/** A run that was killed could not clean up after itself. */
function sweepLeftovers(place: string): void {
  for (const name of readdirSync(place)) {
    if (!name.startsWith(temporary)) continue;
    const folder = path.join(place, name);
    if (Date.now() - statSync(folder).mtimeMs < LEFTOVER_AGE_MS) continue;
    rmSync(folder, { recursive: true, force: true });
  }
}

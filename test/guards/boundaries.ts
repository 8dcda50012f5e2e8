/** Who may import whom. The order of the slices is this table; each ban prints its reason. */
import { posix } from 'node:path';
import { importsOf, isTest, type File } from './repository.ts';

/** A folder of `src`, or a file directly in it, and what it may import besides itself. */
const KIT = ['kernel', 'log', 'db', 'web'];
const TO_DISPATCH = [...KIT, 'audit', 'operating-model', 'dispatch'];
const TO_ORGANISATIONS = [...TO_DISPATCH, 'identity', 'organisations'];
const TO_RESPONSES = [...TO_ORGANISATIONS, 'alerts', 'responses'];

type Rule = { readonly may: readonly string[]; readonly because: string };

export const order: Readonly<Record<string, Rule>> = {
  kernel: { may: [], because: 'the kernel is pure and stands below everything' },
  log: { may: [], because: 'the log is asked by everybody and asks nobody' },
  db: { may: ['kernel', 'log'], because: 'the database kit knows no slice and no page' },
  web: { may: ['kernel', 'log', 'db'], because: 'the server kit knows no slice' },
  audit: { may: KIT, because: 'audit is the lowest slice: it is told, it does not ask' },
  sealing: {
    may: [...KIT, 'audit'],
    because: 'keys are exchanged without knowing what they seal; slices name their columns',
  },
  'operating-model': {
    may: [...KIT, 'audit'],
    because: 'the rules are asked by everybody and ask nobody',
  },
  dispatch: {
    may: [...KIT, 'audit'],
    because: 'dispatch knows recipients and texts; waits and deadlines arrive as values',
  },
  identity: {
    may: TO_DISPATCH,
    because: 'identity knows people and roles, not what they work on',
  },
  organisations: {
    may: [...TO_DISPATCH, 'identity'],
    because: 'the directory does not know which alerts use it',
  },
  adoption: {
    may: TO_ORGANISATIONS,
    because: 'rules change over people and the directory; what they rule over does not know it',
  },
  alerts: {
    may: TO_ORGANISATIONS,
    because: 'news of answers travels upward as a job, never as a call',
  },
  responses: {
    may: [...TO_ORGANISATIONS, 'alerts'],
    because: 'answers do not know exercises, cases and feeds',
  },
  'what-if': {
    may: [...TO_RESPONSES, 'adoption'],
    because: 'a rehearsal asks the functions that run live, and none of them asks it',
  },
  network: {
    may: [...TO_ORGANISATIONS, 'alerts'],
    because: 'the forum stands beside the answers, above alerts',
  },
  exercises: {
    may: TO_RESPONSES,
    because: 'exercises use the live verbs and are known to none of them (P11)',
  },
  cases: {
    may: [...TO_RESPONSES, 'network'],
    because: 'cases gather from below and are known to no lower slice',
  },
  feeds: {
    may: [...TO_RESPONSES, 'network', 'cases'],
    because: 'feeds publish what the others made',
  },
  console: {
    may: [...KIT, 'audit', 'operating-model'],
    because: 'the console reads the views v_… that the others publish, not their code',
  },
  simulator: {
    may: [],
    because:
      'it judges the product and shares only test vectors with it: common code, common error',
  },
  config: {
    may: ['kernel', 'operating-model', 'dispatch'],
    because: 'settings are read before anything runs, by the rules gateways read theirs by',
  },
  cli: { may: ['*'], because: '' },
  main: { may: ['*'], because: '' },
};

/** Those without an `index.ts`: their files are the doors. */
const OPEN = new Set(['kernel', 'db', 'cli', 'log', 'config', 'main']);

/** Tests that hold a second opinion on every statement and decision of a slice, and so see inside. */
const INSIDE: Readonly<Record<string, readonly string[]>> = {
  'test/simulation/': ['dispatch'],
  'test/journeys/boards-keep-up.test.ts': ['dispatch', 'console'],
};

/** Packages with one home, so that a change of mind about one is a change in one place. */
const HOMES: Readonly<Record<string, { in: readonly string[]; because: string }>> = {
  pg: { in: ['db'], because: 'statements go through withActor' },
  pino: { in: ['log'], because: 'the log has an allow-list' },
  fastify: { in: ['web', 'simulator'], because: 'slices hand over route records' },
  nunjucks: { in: ['web', 'simulator'], because: 'pages are rendered by the kit' },
};

/** `src/dispatch/claim.ts` → dispatch; `src/log.ts` → log; `test/support/x.ts` → test. */
export function unitOf(path: string): string {
  const [top, second = '', ...rest] = path.split('/');
  if (top !== 'src') return top!;
  return rest.length === 0 ? second.replace(/\.test\.ts$|\.ts$/, '') : second;
}

/** The path of the file that an import means; undefined for packages and Node's own. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return `src/${specifier.slice(1)}`;
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
}

export function findBoundaryViolations(files: readonly File[]): string[] {
  const paths = new Set(files.map((file) => file.path));
  const units = new Set(files.map((file) => unitOf(file.path)).filter((unit) => unit !== 'test'));
  const unknown = [...units]
    .filter((unit) => !Object.hasOwn(order, unit))
    .map((unit) => `src/${unit} has no place in the order: add it to test/guards/boundaries.ts`);
  const edges = files.flatMap((file) =>
    importsOf(file.text).flatMap(({ specifier, line }) => {
      const why = refuse(file.path, specifier, paths);
      return why === undefined ? [] : [`${file.path}:${line}: ${specifier}: ${why}`];
    }),
  );
  return [...unknown, ...edges];
}

/** Why this import is not allowed; undefined where it is. */
function refuse(from: string, specifier: string, paths: ReadonlySet<string>): string | undefined {
  const target = resolveImport(from, specifier);
  const unit = unitOf(from);
  if (target === undefined) return refusePackage(from, specifier);
  if (target.endsWith('.ts') && !paths.has(target)) return 'there is no such file';
  const other = unitOf(target);
  // Data, such as test vectors or package.json.
  if (!target.endsWith('.ts')) return undefined;
  if (other === unit) return undefined;
  if (other === 'test') return isTest(from) ? undefined : 'the product does not import tests';
  if (specifier.startsWith('.') && from.startsWith('src/')) {
    return `across folders by #${other}/…, not by a relative path`;
  }
  const rule = order[unit];
  if (rule !== undefined && !rule.may.includes('*') && !rule.may.includes(other)) {
    return `${unit} may not import ${other}: ${rule.because}`;
  }
  if (Object.entries(INSIDE).some(([of, into]) => from.startsWith(of) && into.includes(other)))
    return undefined;
  if (OPEN.has(other) || target === `src/${other}/index.ts`) return undefined;
  return `only through #${other}/index.ts, the door of ${other}`;
}

function refusePackage(from: string, specifier: string): string | undefined {
  const name = specifier.split('/')[0]!;
  const home = Object.hasOwn(HOMES, name) ? HOMES[name]! : undefined;
  if (home === undefined || isTest(from) || home.in.includes(unitOf(from))) return undefined;
  return `the package ${name} is used in ${home.in.join(', ')} only: ${home.because}`;
}

/** Circles of imports between files, each once, as `a → b → a`. */
export function findCycles(files: readonly File[]): string[] {
  const imports = new Map(
    files.map((file) => [
      file.path,
      importsOf(file.text).flatMap(({ specifier }) => resolveImport(file.path, specifier) ?? []),
    ]),
  );
  const cycles = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      cycles.add([...trail.slice(at), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const file of files) visit(file.path, []);
  return [...cycles];
}

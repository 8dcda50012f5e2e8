/**
 * Statements against their twins: a random history is run on PostgreSQL and in memory, and each
 * answer and the tables at the end must be the same. One transaction each, rolled back.
 */
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database, Tx } from '#db/database.ts';
import { Random } from '../random.ts';
import { calls } from './calls.ts';
import { addEffects, isSomething, type Effects } from './effects.ts';
import type { Scene } from './scene.ts';
import { fillTables } from './generate.ts';
import { Base, statements, twin as liveTwin, type Twin } from './index.ts';
import { dumpPostgres, dumpTwin, loadTables, setClock, type Dump } from './postgres.ts';

const CALLS = 16;
/** Drawn more often than the others: those of the hot path, and those that seldom find anything. */
const often: Partial<Record<keyof Twin, number>> = {
  claimMessages: 8,
  settleMessages: 8,
  applyReceipts: 4,
  adoptMessages: 4,
  requeueMessages: 4,
  claimChecks: 3,
  readyMessages: 3,
  cancelSettled: 3,
  expireLeases: 2,
  applyRiskDecisions: 3,
  readyDeputies: 3,
  cancelLeftovers: 2,
  countMovedBack: 2,
};
/** In some histories nothing waits for long: what is of the last minute is seen there. */
const PACES_MS = [
  [1, 500, 1000, 30_000, 120_000],
  [1, 500, 1000, 30_000, 120_000],
  [1, 500, 1000],
] as const;

const names = (Object.keys(calls) as (keyof Twin)[]).flatMap((name) =>
  Array.from({ length: often[name] ?? 1 }, () => name),
);

/** Statements whose answer has an order that the SQL does not promise are compared as sets. */
const ORDERED = new Set<keyof Twin>([
  ...(['claimMessages', 'claimReceipts', 'listDueRounds', 'listGateways'] as const),
  ...(['listGatewayCards', 'listGatewayStates', 'listSharedChannels'] as const),
  ...(['listRounds', 'listMessagesOfOrganisation', 'listAttempts'] as const),
  ...([
    'listInvariants',
    'listLookups',
    'listReceipts',
    'countMessages',
    'restoreAttempts',
    'listUncertain',
  ] as const),
]);

export type Difference = {
  readonly seed: number;
  readonly statement: string;
  readonly call: number;
  readonly postgres: unknown;
  readonly twin: unknown;
};

type OnPostgres = (tx: Tx, ...rest: readonly unknown[]) => Promise<unknown>;
type OnTwin = (base: Base, ...rest: readonly unknown[]) => unknown;

const undo = new Error('undone on purpose');

/** What a history came to: undefined where both sides agree, and what its statements did. */
export type History = { readonly difference: Difference | undefined; readonly effects: Effects };

/** Runs one history. `twin`: another one, to see it noticed. */
export async function runHistory(
  database: Database,
  seed: number,
  twin: Twin = liveTwin,
): Promise<History> {
  let history: History = { difference: undefined, effects: {} };
  try {
    await database.withActor(system('test'), async (tx) => {
      history = await compareHistory(tx, seed, twin);
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw new Error(`history ${seed}`, { cause: error });
  }
  return history;
}

async function compareHistory(tx: Tx, seed: number, twin: Twin): Promise<History> {
  const random = new Random(seed);
  const drawn: string[] = [];
  const base = new Base(() => drawn.shift()!);
  const known = fillTables(base, random);
  const scene: Scene = { base, random, known };
  const hashes: (readonly [string, string])[] = [];
  let effects: Effects = {};
  const paceMs = random.pick(PACES_MS);
  await setClock(tx, base.now);
  await loadTables(tx, base.tables);
  for (let call = 1; call <= CALLS; call++) {
    const name = random.pick(names);
    const rest = calls[name](scene);
    // At least a millisecond, so that no two calls fall together; never back: that is a fault.
    base.now += random.pick<number>(paceMs);
    if (rest === undefined) continue;
    await setClock(tx, base.now);
    const fromPostgres = await (statements[name] as OnPostgres)(tx, ...rest);
    if (name === 'insertRiskDecision') drawn.push(await newestDecision(tx));
    const writes = base.writes;
    const fromTwin = (twin[name] as OnTwin)(base, ...rest);
    const took = isSomething(fromPostgres) || base.writes > writes;
    effects = addEffects(effects, { [name]: { asked: 1, took: took ? 1 : 0 } });
    const differs =
      name === 'hashContent'
        ? !pairs(hashes, String(fromPostgres), String(fromTwin))
        : !isSame(name, fromPostgres, fromTwin);
    if (differs) {
      const difference = { seed, statement: name, call, postgres: fromPostgres, twin: fromTwin };
      return { difference, effects };
    }
  }
  const difference = differenceOfTables(seed, await dumpPostgres(tx), dumpTwin(base.tables));
  return { difference, effects };
}

async function newestDecision(tx: Tx): Promise<string> {
  const { id } = await tx.one<{ id: string }>(sql`
    select id from dispatch.risk_decision order by decided_at desc limit 1`);
  return id;
}

/** The two hashes are not the same text, but must be equal to earlier ones in the same cases. */
function pairs(seen: (readonly [string, string])[], postgres: string, twin: string): boolean {
  const agrees = seen.every(([a, b]) => (a === postgres) === (b === twin));
  seen.push([postgres, twin]);
  return agrees;
}

function isSame(name: keyof Twin, postgres: unknown, twin: unknown): boolean {
  if (name === 'waitForTokenMs') return Math.abs(Number(postgres) - Number(twin)) <= 1;
  return textOf(name, postgres) === textOf(name, twin);
}

function textOf(name: keyof Twin, answer: unknown): string {
  if (!Array.isArray(answer) || ORDERED.has(name)) return canonical(answer);
  return answer.map(canonical).sort().join('\n');
}

/**
 * As JSON with sorted names; fractions to a trillionth, since sums of them differ in the last bit.
 * Coarser, halves of what was rounded to went up on one side and down on the other.
 */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'number') return Math.round(inner * 1e12) / 1e12;
    return inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner;
  });
}

function differenceOfTables(seed: number, postgres: Dump, twin: Dump): Difference | undefined {
  for (const name of Object.keys(twin)) {
    const [ours, theirs] = [twin[name]!, postgres[name]!];
    if (ours.join('\n') === theirs.join('\n')) continue;
    const only = (rows: string[], others: string[]) => rows.filter((row) => !others.includes(row));
    return {
      seed,
      statement: `the table ${name} at the end`,
      call: CALLS,
      postgres: only(theirs, ours),
      twin: only(ours, theirs),
    };
  }
  return undefined;
}

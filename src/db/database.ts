/**
 * The one way to the database: a pool, and transactions that know who acts.
 *
 * Every statement of the product runs inside `withActor`, which opens a transaction and tells
 * PostgreSQL who it is for; row-level security and audit entries read that. Promises kept here:
 * no statement without an actor, no `undefined` as NULL, no lost connection mistaken for a "no".
 */
import { DatabaseError, Pool, escapeLiteral, types, type ClientConfig, type PoolClient } from 'pg';
import { actorId, reachOf, readsUpTo, regionsOf, type Actor } from '#kernel/actor.ts';
import { markings, within } from '#kernel/marking.ts';
import type { Outcome, Refused } from '#kernel/outcome.ts';
import { isReplicated } from './replicas.ts';
import { build, type Sql } from './sql.ts';

/** What a process may touch is decided by PostgreSQL, not by us. */
export type DatabaseRole = 'tocsin_owner' | 'tocsin_web' | 'tocsin_worker' | 'tocsin_sequencer';

/** One transaction of one actor. Passed to the functions of each slice's `store.ts`. */
export type Tx = {
  readonly actor: Actor;
  /** All rows, columns in camelCase. */
  rows<Row>(query: Sql): Promise<Row[]>;
  /** Exactly one row; its absence is a bug and throws. */
  one<Row>(query: Sql): Promise<Row>;
  /** The first row or undefined. */
  maybe<Row>(query: Sql): Promise<Row | undefined>;
  /**
   * Runs the statement and says how many rows it touched. `withinMs`: for one that may take longer
   * than a minute: it is over as many rows as somebody asked for, or waits for its turn.
   */
  run(query: Sql, options?: { readonly withinMs?: number }): Promise<number>;
};

export type Database = {
  /** Runs `work` in one transaction as `actor`; commits when it returns, rolls back when it throws. */
  withActor<T>(actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** The same for a verb: a refusal rolls back what was written before it, and is returned. */
  attempt<T>(actor: Actor, work: (tx: Tx) => Promise<Outcome<T>>): Promise<Outcome<T>>;
  /**
   * Whether the synchronous replicas that the server waits for, if any, have all that was committed
   * before. False after five seconds.
   */
  isReplicated(): Promise<boolean>;
  /** What `pg` needs for a connection outside the pool, such as LISTEN. */
  readonly config: ClientConfig;
  end(): Promise<void>;
};

export type DatabaseOptions = {
  readonly connectionsMax?: number;
  /** Told of errors on idle connections; they mend themselves, so this only informs. */
  readonly onIdleError?: (error: Error) => void;
};

/**
 * A worker that stands still inside a transaction keeps its locks, and with that of the bucket all
 * others stand still too. None of its transactions waits for anything but the database.
 */
const WORKER_IDLE_MS = 5_000;

/** No statement takes longer, unless it is told so: a page that hangs helps nobody. */
const STATEMENT_MS = 60_000;
/** The server ends a statement first; one that does not answer by then is gone. */
const ANSWER_WITHIN_MS = 5_000;

const INT8_ARRAY = 1016;

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('bigint beyond 2^53');
  return value;
}

types.setTypeParser(types.builtins.INT8, parseInt8);
types.setTypeParser(INT8_ARRAY as never, (text: string) =>
  text === '{}' ? [] : text.slice(1, -1).split(',').map(parseInt8),
);

export function openDatabase(config: ClientConfig, options: DatabaseOptions = {}): Database {
  const pool = new Pool({
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    statement_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: config.user === 'tocsin_worker' ? WORKER_IDLE_MS : 30_000,
    query_timeout: STATEMENT_MS + ANSWER_WITHIN_MS,
    max: options.connectionsMax ?? 10,
    ...config,
  });
  // Both handlers are needed: a client that dies while idle, and one that dies while checked out,
  // would otherwise end the process.
  pool.on('error', (error) => options.onIdleError?.(error));
  pool.on('connect', (client) => client.on('error', () => {}));
  return {
    config,
    withActor: (actor, work) => withActor(pool, actor, work),
    attempt: (actor, work) => attempt(pool, actor, work),
    isReplicated: () => isReplicated(pool),
    end: () => pool.end(),
  };
}

async function withActor<T>(pool: Pool, actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(beginAs(actor));
    const result = await work(transaction(client, actor));
    await client.query('commit');
    return result;
  } catch (error) {
    // A server that did not answer in time would not answer this either, for as long again.
    if (isUnanswered(error)) broken = error;
    else
      try {
        await client.query('rollback');
      } catch (rollbackError) {
        broken = rollbackError as Error;
      }
    if (broken === undefined && (await isShutOut(client, actor, error))) throw new ShutOut();
    throw error;
  } finally {
    client.release(broken);
  }
}

/** The organisation of who acts was cut off meanwhile (ADR 0026): as if their session had ended. */
export class ShutOut extends Error {
  readonly statusCode = 401;
}

const REFUSED_BY_POLICY = '42501';
const REFUSED_BY_MAY_ACT = 'TC001';

/** Whether that is why the database refused: it says of a row only that a policy was against it. */
async function isShutOut(client: PoolClient, actor: Actor, error: unknown): Promise<boolean> {
  if (!(error instanceof DatabaseError)) return false;
  if (error.code === REFUSED_BY_MAY_ACT) return true;
  if (error.code !== REFUSED_BY_POLICY || reachOf(actor) !== 'organisation') return false;
  await client.query(beginAs(actor));
  const { rows } = await client.query<{ isOut: boolean }>('select kernel.is_shut_out() as "isOut"');
  await client.query('rollback');
  return rows[0]?.isOut === true;
}

/** `query_timeout` passed, in the driver's own words: it gives no code. */
function isUnanswered(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** Carries a refusal past the commit. */
class Undone extends Error {
  readonly refused: Refused;

  constructor(refused: Refused) {
    super(refused.message);
    this.refused = refused;
  }
}

async function attempt<T>(
  pool: Pool,
  actor: Actor,
  work: (tx: Tx) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  try {
    return await withActor(pool, actor, async (tx) => {
      const outcome = await work(tx);
      if (!outcome.ok) throw new Undone(outcome);
      return outcome;
    });
  } catch (error) {
    if (error instanceof Undone) return error.refused;
    throw error;
  }
}

/** One round trip: begin, and the settings that policies and audit triggers read. */
function beginAs(actor: Actor): string {
  const own = 'organisationIds' in actor ? (actor.organisationIds ?? []) : [];
  const led = actor.kind === 'person' ? (actor.spaceIds ?? []) : [];
  const settings = {
    'tocsin.actor_kind': actor.kind,
    'tocsin.actor_id': actorId(actor),
    'tocsin.reach': reachOf(actor),
    'tocsin.organisations': own.join(','),
    'tocsin.spaces': led.join(','),
    'tocsin.by_name': actor.kind === 'person' && actor.isOfIssuer !== true ? 'yes' : '',
    'tocsin.regions': (regionsOf(actor, 'alert.read') ?? []).join(','),
    'tocsin.directory_regions': (regionsOf(actor, 'directory.read') ?? []).join(','),
    'tocsin.markings': markings.filter((one) => within(one, readsUpTo(actor))).join(','),
  };
  const calls = Object.entries(settings).map(
    ([key, value]) => `set_config('${key}', ${escapeLiteral(value)}, true)`,
  );
  return `begin; select ${calls.join(', ')}`;
}

function transaction(client: PoolClient, actor: Actor): Tx {
  // Never prepared: a plan is kept for good from the sixth run on, and nothing tells it of growth.
  const query = async (statement: Sql) =>
    await client.query<Record<string, unknown>>(build(statement));
  return {
    actor,
    async rows<Row>(statement: Sql) {
      return (await query(statement)).rows.map((row) => camelCased(row) as Row);
    },
    async one<Row>(statement: Sql) {
      const { rows } = await query(statement);
      if (rows.length !== 1) throw new Error(`expected one row, got ${rows.length}`);
      return camelCased(rows[0]!) as Row;
    },
    async maybe<Row>(statement: Sql) {
      const [row] = (await query(statement)).rows;
      return row === undefined ? undefined : (camelCased(row) as Row);
    },
    async run(statement: Sql, { withinMs } = {}) {
      if (withinMs === undefined) return (await query(statement)).rowCount ?? 0;
      await client.query(`set local statement_timeout = ${withinMs}`);
      const given = { ...build(statement), query_timeout: withinMs + ANSWER_WITHIN_MS };
      const { rowCount } = await client.query(given);
      await client.query('set local statement_timeout to default');
      return rowCount ?? 0;
    },
  };
}

const camelNames = new Map<string, string>();

/** The one place where `snake_case` columns become `camelCase` fields. */
function camelCased(row: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const column in row) {
    let name = camelNames.get(column);
    if (name === undefined) {
      name = column.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
      camelNames.set(column, name);
    }
    result[name] = row[column];
  }
  return result;
}

/**
 * True where the database itself answered "no" (a constraint, a bad value, a cancelled statement).
 * Anything else, above all a lost connection, leaves the outcome of the statement unknown.
 */
export function isDatabaseRefusal(error: unknown): error is DatabaseError {
  if (!(error instanceof DatabaseError) || error.code === undefined) return false;
  return !error.code.startsWith('08') && !/^57P0\d$/.test(error.code);
}

/** The name of the violated constraint, where that was the reason. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!isDatabaseRefusal(error) || !error.code?.startsWith('23')) return undefined;
  return error.constraint;
}

/** Values that must stand in no place of an installation, and the search for them. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { readRemembered } from '#db/postgres-place.ts';
import { superuserConfig } from '#db/postgres-takeover.ts';

/** What was planted, by what it is. */
export type Canaries = Readonly<Record<string, string>>;

/** A place where something could stand, with its content. */
export type Sink = { readonly name: string; readonly content: string | Buffer };

/** `canary in sink`, for every canary that a sink holds in any of the ways it may be written. */
export function findCanaries(canaries: Canaries, sinks: readonly Sink[]): string[] {
  const ways = Object.entries(canaries).map(([name, value]) => ({ name, ways: waysOf(value) }));
  return sinks.flatMap(({ name: sink, content }) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
    return ways
      .filter((canary) => canary.ways.some((way) => bytes.includes(way)))
      .map((canary) => `${canary.name} in ${sink}`);
  });
}

/** As it is, in an address, as the hex of a bytea, and in base64 wherever it begins in it. */
function waysOf(value: string): string[] {
  const plain = /^\d{10}$/.test(value) ? [value, spaced(value)] : [value];
  const ways = plain.flatMap((one) => {
    const bytes = Buffer.from(one);
    const shifted = [0, 1, 2].map((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64url');
      // Without the characters that also hold bits of what stands beside it.
      return text.slice(shift === 0 ? 0 : shift + 1, -2);
    });
    const base64 = shifted.flatMap((text) => [
      text,
      text.replaceAll('-', '+').replaceAll('_', '/'),
    ]);
    return [one, encodeURIComponent(one), bytes.toString('hex'), ...base64];
  });
  return [...new Set(ways)];
}

/** 7700900789 → 7700 900789, as people write it behind any prefix. */
function spaced(digits: string): string {
  return `${digits.slice(0, 4)} ${digits.slice(4)}`;
}

/** A key by its bytes, which may stand anywhere as they are, in hex or in base64. */
export function findKeys(keys: Readonly<Record<string, Buffer>>, sinks: readonly Sink[]): string[] {
  return sinks.flatMap(({ name: sink, content }) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
    return Object.entries(keys)
      .filter(([, key]) =>
        [key, key.toString('hex'), key.toString('base64'), key.toString('base64url')].some((way) =>
          bytes.includes(way),
        ),
      )
      .map(([name]) => `${name} in ${sink}`);
  });
}

/** Connects as the superuser of the embedded PostgreSQL: nothing is hidden from it. */
export async function asSuperuser<T>(
  folder: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const remembered = readRemembered({ path: folder });
  if (remembered === undefined) throw new Error('no PostgreSQL runs on this folder');
  const client = new Client(superuserConfig(remembered.run, 'tocsin'));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Every row of every table as text, as a dump has them: a sink for each table. */
export async function dump(folder: string): Promise<Sink[]> {
  return await asSuperuser(folder, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(`
      select format('%I.%I', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_toast' order by 1`);
    const sinks: Sink[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
      sinks.push({ name, content: rows.map(({ row }) => row).join('\n') });
    }
    return sinks;
  });
}

/** Every file below the folder but those that `passes` takes out. */
export function filesOf(folder: string, passes: (file: string) => boolean): Sink[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => passes(file) && statSync(path.join(folder, file)).isFile())
    .map((file) => ({ name: file, content: readFileSync(path.join(folder, file)) }));
}

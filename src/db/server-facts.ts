import { Client, type ClientConfig } from 'pg';

export type ServerFacts = {
  readonly version: string;
  /** False where a power cut may lose what was committed. */
  readonly fsync: boolean;
  /** How far the server's clock and ours are from each other. */
  readonly apartMs: number;
};

/** What an operator should know about a server; undefined where it does not answer. */
export async function findServerFacts(config: ClientConfig): Promise<ServerFacts | undefined> {
  const client = new Client({ connectionTimeoutMillis: 5000, query_timeout: 5000, ...config });
  client.on('error', () => {});
  try {
    await client.connect();
    const before = Date.now();
    const { rows } = await client.query<{ version: string; fsync: boolean; now: Date }>(
      `select current_setting('server_version') as version,
         current_setting('fsync')::boolean as fsync, clock_timestamp() as now`,
    );
    const middle = (before + Date.now()) / 2;
    const { version, fsync, now } = rows[0]!;
    return { version, fsync, apartMs: Math.round(Math.abs(now.getTime() - middle)) };
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => {});
  }
}

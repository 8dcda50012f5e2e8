import { Client, type ClientConfig } from 'pg';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Installation } from './data-folder.ts';

/**
 * Ties the database to the data folder on first use, and from then on refuses any other pair: keys
 * that do not fit the rows, or a demonstration that writes into a live database (P11).
 */
export async function bindInstallation(
  config: ClientConfig,
  installation: Installation,
): Promise<Outcome<void>> {
  const client = new Client(config);
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(
      `insert into kernel.installation (id, kind, created_at) values ($1, $2, $3)
       on conflict do nothing`,
      [installation.id, installation.kind, installation.createdAt],
    );
    const { rows } = await client.query<Pick<Installation, 'id' | 'kind'>>(
      'select id, kind from kernel.installation',
    );
    const found = rows[0]!;
    if (found.id === installation.id && found.kind === installation.kind) return ok(undefined);
    const whose = found.kind === 'live' ? 'a live' : 'a demonstration';
    return refused(
      'conflict',
      `This database belongs to ${whose} installation (${found.id}), the data folder to another ` +
        `(${installation.id}). Set TOCSIN_DATA_DIR to the folder it was made with, or a copy of ` +
        'its installation.json and secrets.json, or let DATABASE_URL name an empty database.',
    );
  } finally {
    await client.end().catch(() => {});
  }
}

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { refused, type Refused } from '#kernel/outcome.ts';

export type MigrationFile = {
  readonly number: number;
  /** File name without `.sql`, such as `0001_kernel`. */
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
};

export type AppliedMigration = Pick<MigrationFile, 'number' | 'name' | 'sha256'>;

export const MIGRATIONS_FOLDER = path.resolve(import.meta.dirname, '../../migrations');

/** The migrations of this version in order. Throws where two have the same number. */
export function readMigrations(folder: string = MIGRATIONS_FOLDER): MigrationFile[] {
  const files = readdirSync(folder)
    .filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name))
    .sort()
    .map((name) => {
      // A checkout on another system may have turned the line ends.
      const text = readFileSync(path.join(folder, name), 'utf8').replaceAll('\r\n', '\n');
      const sha256 = createHash('sha256').update(text).digest('hex');
      return { number: Number(name.slice(0, 4)), name: name.slice(0, -4), text, sha256 };
    });
  const twice = files.find((file, i) => files[i - 1]?.number === file.number);
  if (twice !== undefined) throw new Error(`two migrations have the number of ${twice.name}`);
  return files;
}

/** Why this version must not touch a database with this history; undefined where it may. */
export function refuseHistory(
  applied: readonly AppliedMigration[],
  files: readonly MigrationFile[],
): Refused | undefined {
  const newest = files.at(-1)?.number ?? 0;
  const ahead = applied.find((migration) => migration.number > newest);
  if (ahead !== undefined) {
    return refused(
      'conflict',
      `This database was made by a newer Tocsin: it has migration ${ahead.name}, this version ` +
        `ends with ${files.at(-1)?.name ?? 'none'}. Start the newer version again, or restore a ` +
        'backup from before the upgrade.',
    );
  }
  const last = applied.at(-1)?.number ?? 0;
  for (const file of files) {
    const found = applied.find((migration) => migration.number === file.number);
    if (found === undefined && file.number < last) return slippedIn(file);
    if (found !== undefined && found.sha256 !== file.sha256) return changed(file, found);
  }
  const lost = applied.find(({ number }) => !files.some((file) => file.number === number));
  return lost === undefined ? undefined : missing(lost);
}

function slippedIn(file: MigrationFile): Refused {
  return refused(
    'conflict',
    `Migration ${file.name} is not in the database although later ones are. Give it a number ` +
      'after the last one.',
  );
}

function changed(file: MigrationFile, found: AppliedMigration): Refused {
  return refused(
    'conflict',
    `Migration ${file.name}.sql is not the one that made this database (applied as ` +
      `${found.name}). Bring the file back as it was released; changes belong in a new migration.`,
  );
}

function missing(lost: AppliedMigration): Refused {
  return refused(
    'conflict',
    `Migration ${lost.name} made this database, and its file is missing. Bring the file back.`,
  );
}

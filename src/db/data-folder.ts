/**
 * The folder that makes a machine an installation: who it is, whether it is live, and its keys.
 * It is live or a demonstration for ever (P11), so that practice can never ring a real phone and
 * a live service can never fall back to pretending.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isUuid } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';

export type InstallationKind = 'live' | 'demonstration';

export type Installation = {
  readonly id: string;
  readonly kind: InstallationKind;
  readonly createdAt: Date;
};

/** A key that wraps the keys in the database (kernel.sealing_key). */
export type FileKey = {
  /** 1–65,535; each wrapped key names it. */
  readonly id: number;
  /** 32 random bytes, in base64. */
  readonly key: string;
};

/** Lost keys mean unreadable contact points. */
export type Secrets = {
  /** Ascending by id. Which of them wraps is in the database; several while one is exchanged. */
  readonly keyEncryptionKeys: readonly FileKey[];
};

export type DataFolder = {
  /** Absolute. */
  readonly path: string;
  readonly installation: Installation;
  readonly secrets: Secrets;
};

const INSTALLATION_FILE = 'installation.json';
const SECRETS_FILE = 'secrets.json';
const FILE_KEY_ID_MAX = 65_535;

/** Opens the folder and makes it on first use. `live` says how this process means to run. */
export function openDataFolder(options: { path: string; live: boolean }): Outcome<DataFolder> {
  const folder = path.resolve(options.path);
  const kind = options.live ? 'live' : 'demonstration';
  try {
    const found = findDataFolder(folder);
    if (!found.ok) return found;
    return checkKind(found.value ?? createDataFolder(folder, kind), options.live);
  } catch (error) {
    return explainFolder(error, folder);
  }
}

/** The folder, or why a start that means to be live, or not, is refused on it. */
export function checkKind(folder: DataFolder, live: boolean): Outcome<DataFolder> {
  return (folder.installation.kind === 'live') === live ? ok(folder) : wrongKind(folder);
}

/** Opens an existing folder of either kind, changing nothing; undefined where none was made yet. */
export function findDataFolder(folderPath: string): Outcome<DataFolder | undefined> {
  const folder = path.resolve(folderPath);
  try {
    if (!existsSync(folder)) return ok(undefined);
    if (!statSync(folder).isDirectory()) {
      const message = `${folder} is a file, not a folder.`;
      return refused('invalid', `${message} Set TOCSIN_DATA_DIR to a folder.`);
    }
    if (existsSync(path.join(folder, INSTALLATION_FILE))) return readDataFolder(folder);
    const stranger = readdirSync(folder).find((name) => !belongsToBeginning(name));
    if (stranger === undefined) return ok(undefined);
    return refused(
      'conflict',
      `${folder} holds other things (such as ${stranger}) and no ${INSTALLATION_FILE}, so it is ` +
        'not a Tocsin data folder. Set TOCSIN_DATA_DIR to an empty or a new folder.',
    );
  } catch (error) {
    return explainFolder(error, folder);
  }
}

/** What an interrupted first start, a fresh mount or a version control system leaves behind. */
function belongsToBeginning(name: string): boolean {
  return [SECRETS_FILE, 'lost+found'].includes(name) || /\.tmp$|^\.(git|keep)/.test(name);
}

function createDataFolder(folder: string, kind: InstallationKind): DataFolder {
  makeFolder(folder, 0o700);
  chmodSync(folder, 0o700);
  const secrets: Secrets = { keyEncryptionKeys: [newFileKey(1)] };
  const installation = { id: randomUUID(), kind, createdAt: new Date().toISOString() };
  // The installation comes last: with it the folder counts as made. Neither replaces what another
  // process wrote in the same moment, so both processes go on with the same keys.
  writeAtomically(path.join(folder, SECRETS_FILE), asJson(secrets), 0o600, { replace: false });
  const file = path.join(folder, INSTALLATION_FILE);
  writeAtomically(file, asJson(installation), 0o600, { replace: false });
  const made = readDataFolder(folder);
  if (!made.ok) throw new Error(made.message);
  return made.value;
}

/**
 * Makes a folder and those above it. Not `mkdirSync` with `recursive`: below /proc, where nothing
 * can be made and the answer is "no such file", it asks again for ever.
 */
export function makeFolder(folder: string, mode: number): void {
  if (existsSync(folder)) return;
  const above = path.dirname(folder);
  if (above !== folder) makeFolder(above, mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' || !statSync(folder).isDirectory()) throw error;
  }
}

function readDataFolder(folder: string): Outcome<DataFolder> {
  const installation = readJson(folder, INSTALLATION_FILE, parseInstallation);
  if (!installation.ok) return installation;
  if (!existsSync(path.join(folder, SECRETS_FILE))) {
    return refused(
      'not_found',
      `${path.join(folder, SECRETS_FILE)} is missing; without its keys no contact point can be ` +
        'read. Bring it back from your backup of the data folder.',
    );
  }
  const secrets = readJson(folder, SECRETS_FILE, parseSecrets);
  if (!secrets.ok) return secrets;
  return ok({ path: folder, installation: installation.value, secrets: secrets.value });
}

function readJson<T>(
  folder: string,
  name: string,
  parse: (value: Record<string, unknown>) => T | undefined,
): Outcome<T> {
  const file = path.join(folder, name);
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const parsed =
      typeof value === 'object' && value !== null ? parse(value as Record<string, unknown>) : null;
    if (parsed !== undefined && parsed !== null) return ok(parsed);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const message = `${file} is damaged: it does not hold what Tocsin writes there.`;
  return refused('invalid', `${message} Bring it back from your backup of the data folder.`);
}

function parseInstallation(value: Record<string, unknown>): Installation | undefined {
  const { id, kind, createdAt } = value;
  if (typeof id !== 'string' || !isUuid(id) || typeof createdAt !== 'string') return undefined;
  if (kind !== 'live' && kind !== 'demonstration') return undefined;
  const date = new Date(createdAt);
  return Number.isNaN(date.getTime()) ? undefined : { id, kind, createdAt: date };
}

function parseSecrets(value: Record<string, unknown>): Secrets | undefined {
  const { keyEncryptionKeys: listed } = value;
  if (!Array.isArray(listed) || listed.length === 0) return undefined;
  const keys = listed.map(parseFileKey).filter((key) => key !== undefined);
  const ids = new Set(keys.map(({ id }) => id));
  if (keys.length !== listed.length || ids.size !== keys.length) return undefined;
  return { keyEncryptionKeys: keys.toSorted((a, b) => a.id - b.id) };
}

function parseFileKey(value: unknown): FileKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, key } = value as Record<string, unknown>;
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 1 || id > FILE_KEY_ID_MAX)
    return undefined;
  if (typeof key !== 'string' || Buffer.from(key, 'base64').length !== 32) return undefined;
  return { id, key };
}

/** The file as it is now: keys come and go while processes run. */
export function readFileKeys(folder: string): Outcome<readonly FileKey[]> {
  const read = readDataFolder(folder);
  return read.ok ? ok(read.value.secrets.keyEncryptionKeys) : read;
}

export function newFileKey(id: number): FileKey {
  return { id, key: randomBytes(32).toString('base64') };
}

/** Replaces the keys of the file; a crash leaves the old ones or the new ones. */
export function writeFileKeys(folder: string, keys: readonly FileKey[]): void {
  const secrets: Secrets = { keyEncryptionKeys: keys };
  writeAtomically(path.join(folder, SECRETS_FILE), asJson(secrets), 0o600);
}

function wrongKind({ path: folder, installation }: DataFolder): Refused {
  const way =
    installation.kind === 'demonstration'
      ? 'It can never send to real phones: set TOCSIN_DATA_DIR to a new folder for a live one.'
      : 'It never runs without a real gateway: set NOTIFY_API_KEY, or set TOCSIN_DATA_DIR to ' +
        'another folder for a demonstration.';
  return refused('conflict', `The data folder ${folder} is ${described(installation)}. ${way}`);
}

function described({ kind, createdAt }: Installation): string {
  const since = createdAt.toISOString().slice(0, 10);
  return kind === 'live' ? `live (since ${since})` : `a demonstration (since ${since})`;
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Writes so that a crash leaves the old file or the new one, never half of one. With
 * `replace: false` a file that is already there wins.
 */
export function writeAtomically(
  file: string,
  text: string,
  mode: number,
  { replace = true } = {},
): void {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const descriptor = openSync(temporary, 'wx', mode);
    try {
      // Throws where a full disk takes half of it: `writeSync` would only count it.
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (replace) renameSync(temporary, file);
    else publishOnce(temporary, file);
    syncFolder(path.dirname(file));
  } finally {
    rmSync(temporary, { force: true });
  }
}

function publishOnce(temporary: string, file: string): void {
  try {
    linkSync(temporary, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    // A file system without hard links.
    if (code !== 'EPERM' && code !== 'ENOTSUP') throw error;
    if (!existsSync(file)) renameSync(temporary, file);
  }
}

/** Makes a rename in the folder survive a power cut. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The operating system's refusal as one sentence with the way out; anything else is a bug. */
export function explainFolder(error: unknown, folder: string): Refused {
  const { code, path: culprit = folder } = error as NodeJS.ErrnoException;
  const elsewhere = 'or set TOCSIN_DATA_DIR to another folder';
  const sentences: Record<string, string> = {
    EROFS:
      `The data folder ${folder} is on a read-only file system. ` +
      `Make it writable, ${elsewhere}.`,
    ENOSPC: `The disk of the data folder ${folder} is full. Free some space, ${elsewhere}.`,
    EDQUOT: `The disk quota of the data folder ${folder} is used up. Raise it, ${elsewhere}.`,
    ENOTDIR: `A part of the path ${folder} is a file. Set TOCSIN_DATA_DIR to another folder.`,
    EACCES: `This user may not read or write ${culprit}. Give it the rights, ${elsewhere}.`,
    EPERM: `This user may not change ${culprit}. Give it the rights, ${elsewhere}.`,
    ENOENT: `${culprit} cannot be made. Set TOCSIN_DATA_DIR to another folder.`,
  };
  const sentence = code === undefined ? undefined : sentences[code];
  if (sentence === undefined) throw error;
  return refused('unavailable', sentence);
}

import { statfsSync } from 'node:fs';
import type { Place } from './postgres-place.ts';

/** What PostgreSQL says when it does not come up, and what a person can do about it. */
const SENTENCES: readonly (readonly [RegExp, (place: Place) => string])[] = [
  [
    /Read-only file system/,
    ({ data }) => `The data folder ${data} is on a read-only file system. Make it writable.`,
  ],
  // A write that is cut short says what was written instead of why.
  [/No space left on device|wrote only \d+ of \d+ bytes/, ({ data }) => diskIsFull(data)],
  [
    /Disk quota exceeded/,
    ({ data }) => `The disk quota of the data folder ${data} is used up. Raise it and start again.`,
  ],
  [
    /could not look up effective user ID/,
    () =>
      'PostgreSQL cannot be set up by a user without a name in /etc/passwd, as containers with a ' +
      'random user have it. Give this user a name, or set DATABASE_URL.',
  ],
  [
    /database files are incompatible with server/,
    ({ data, binaries }) =>
      `The database in ${data} was made by another major version of PostgreSQL than the one ` +
      `included here (${binaries.version}). Restore a backup into a new data folder.`,
  ],
  [
    /could not (create|map|resize) .*shared memory|Cannot allocate memory/,
    () => 'There is too little memory for PostgreSQL (it needs about 300 MB). Free some.',
  ],
  [
    /Permission denied/,
    ({ data, logFile }) =>
      `PostgreSQL may not read or write something in ${data}. Give that folder back to the user ` +
      `it runs as; ${logFile} says which file.`,
  ],
];

function diskIsFull(folder: string): string {
  return `The disk of the data folder ${folder} is full. Free some space and start again.`;
}

/** One segment of PostgreSQL's journal, which it must be able to begin at any time. */
const JOURNAL_SEGMENT_BYTES = 16 * 1024 * 1024;

/**
 * The sentence where the disk of this folder has no room for the server to run, by asking the disk:
 * a full one takes no log either, so the server's own words are not there. Undefined elsewhere.
 */
export function explainFullDisk(folder: string): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < JOURNAL_SEGMENT_BYTES ? diskIsFull(folder) : undefined;
  } catch {
    return undefined;
  }
}

/** Ways of failing that pass by themselves: another server is still letting go of the folder. */
const PASSING = /lock file ".*" already exists|pre-existing shared memory block/;

export function isPassing(words: string): boolean {
  return PASSING.test(words);
}

/** One sentence for the person at the terminal. */
export function explainServerLog(words: string, place: Place): string {
  const known = SENTENCES.find(([pattern]) => pattern.test(words));
  if (known !== undefined) return known[1](place);
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  const line = lines.findLast((text) => /FATAL|PANIC|error/i.test(text)) ?? lines.at(-1);
  const reason = line?.replace(/^.*(?=FATAL|PANIC)/, '') ?? 'it gave no reason';
  return `PostgreSQL did not start: ${reason.trim()} (see ${place.logFile}).`;
}

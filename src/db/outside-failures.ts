/** What the machine and the database server may do to any command, as sentences with the way out. */
import { DatabaseError } from 'pg';
import { refused, type Refused } from '#kernel/outcome.ts';

/** By SQLSTATE (PostgreSQL, appendix A). */
const SQLSTATES: Readonly<Record<string, string>> = {
  '53100': 'The disk of the database is full. Free some space and start again.',
  '53200': 'The database server has too little memory. Free some and start again.',
  '53300':
    'The database server takes no more connections. Stop other programs that use it, or raise its max_connections.',
  '25006':
    'The database is read-only, as a standby server is. Let DATABASE_URL name one that can be written.',
  '58030': 'The disk of the database cannot be read or written. Look into the log of the system.',
};

const SYSTEM_CODES: Readonly<Record<string, string>> = {
  ENOSPC: 'is on a full disk. Free some space and start again.',
  EDQUOT: 'is on a disk whose quota is used up. Raise it and start again.',
  EROFS: 'is on a read-only file system. Make it writable and start again.',
  EIO: 'cannot be read or written: its disk may be broken. Look into the log of the system.',
};

/** Undefined where the failure is not one of these: then it is a bug, and its trace is needed. */
export function explainOutside(error: unknown): Refused | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', path } = error as NodeJS.ErrnoException;
  const sentence =
    error instanceof DatabaseError
      ? SQLSTATES[code]
      : path !== undefined && SYSTEM_CODES[code] && `${path} ${SYSTEM_CODES[code]}`;
  if (sentence) return refused('unavailable', sentence);
  if (!isLost(error, code)) return undefined;
  const message = 'The database ended, or cannot be reached any more.';
  const where = 'Its log says why: postgres.log in the data folder, or that of DATABASE_URL.';
  return refused('unavailable', `${message} ${where}`);
}

function isLost(error: Error, code: string): boolean {
  if (error instanceof DatabaseError) return /^(08|57P0)/.test(code);
  return (
    /^(ECONNRESET|ECONNREFUSED|EPIPE)$/.test(code) ||
    /^(Connection terminated|timeout exceeded when trying to connect)/.test(error.message)
  );
}

import { createReadStream, truncateSync } from 'node:fs';
import type { LedgerEntry } from './ledger-entries.ts';

const NEWLINE = 0x0a;

/**
 * Reads entries from byte `from` on. A last line without its newline is a write that was cut off;
 * it is left out, and `end` is the byte after the last whole line.
 * @throws Error naming the byte when a whole line is not JSON.
 */
export async function* readLedger(
  path: string,
  from = 0,
): AsyncGenerator<{ readonly entry: LedgerEntry; readonly end: number }> {
  let rest: Buffer = Buffer.alloc(0);
  let position = from;
  for await (const chunk of createReadStream(path, { start: from, highWaterMark: 1 << 20 })) {
    const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (;;) {
      const newline = bytes.indexOf(NEWLINE, start);
      if (newline === -1) break;
      const entry = parseLine(bytes.toString('utf8', start, newline), position);
      position += newline + 1 - start;
      start = newline + 1;
      yield { entry, end: position };
    }
    rest = bytes.subarray(start);
  }
}

/** Cuts a torn last line off, so that the next line does not grow on it. */
export function dropTornTail(path: string, endOfLastLine: number): void {
  truncateSync(path, endOfLastLine);
}

function parseLine(line: string, position: number): LedgerEntry {
  try {
    return JSON.parse(line) as LedgerEntry;
  } catch (cause) {
    throw new Error(`The ledger is damaged at byte ${position}.`, { cause });
  }
}

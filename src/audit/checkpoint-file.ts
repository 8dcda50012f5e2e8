/**
 * The checkpoints outside of the database: a file that only grows, one JSON object a line, on the
 * disk before anybody relies on it. Copies of it elsewhere are what a change to history is held
 * against, so it names nothing but sizes, hashes and signatures.
 */
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { syncFolder } from '#db/data-folder.ts';
import { parseNote, type SignedNote } from './note.ts';

export type ExportedCheckpoint = SignedNote & {
  /** 1 is the first line. */
  readonly line: number;
  /** The size of the checkpoint before it in the file; null: none, or another history. */
  readonly from: number | null;
  /** Shows that it goes on from that one. */
  readonly proof: readonly Buffer[];
  /** When it was signed, as the sequencer's clock had it; nothing vouches for it. */
  readonly at: string;
};

/** A line that is no checkpoint: a write that a power cut ended, or somebody's hand. */
export type BrokenLine = { readonly line: number };

export type CheckpointLine = ExportedCheckpoint | BrokenLine;

export type NewCheckpointLine = {
  readonly note: string;
  readonly from: number | null;
  readonly proof: readonly Buffer[];
  readonly at: Date;
};

const NEWLINE = 10;
/** More than any line: a proof has at most 53 hashes. */
const TAIL_BYTES = 65_536;

/** Adds a line and waits until the disk has it. */
export function appendCheckpoint(file: string, checkpoint: NewCheckpointLine): void {
  const isNew = !existsSync(file);
  const { note, from, proof, at } = checkpoint;
  const hashes = proof.map((hash) => hash.toString('base64'));
  const text = `${JSON.stringify({ note, from, proof: hashes, at })}\n`;
  const descriptor = openSync(file, 'a+', 0o644);
  try {
    // A write that was cut off: its line stays as it is, and this one begins anew.
    const torn = tailOf(descriptor).at(-1);
    // `writeFileSync` throws where a full disk takes half of it; `writeSync` would only count it.
    writeFileSync(descriptor, torn === undefined || torn === NEWLINE ? text : `\n${text}`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  if (isNew) syncFolder(path.dirname(file));
}

/** The last checkpoint of the file that can be read; undefined where there is none. */
export function readLastCheckpoint(file: string): ExportedCheckpoint | undefined {
  if (!existsSync(file)) return undefined;
  const descriptor = openSync(file, 'r');
  try {
    const lines = tailOf(descriptor).toString('utf8').split('\n');
    return lines.map((text) => parseLine(text, 0)).findLast(isCheckpoint);
  } finally {
    closeSync(descriptor);
  }
}

function tailOf(descriptor: number): Buffer {
  const { size } = fstatSync(descriptor);
  const length = Math.min(size, TAIL_BYTES);
  const bytes = Buffer.alloc(length);
  readSync(descriptor, bytes, 0, length, size - length);
  return bytes;
}

/** Every line, in order. Throws where the file is not there. */
export async function readCheckpoints(file: string): Promise<CheckpointLine[]> {
  const lines: CheckpointLine[] = [];
  const input = createReadStream(file, 'utf8');
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    line += 1;
    if (text !== '') lines.push(parseLine(text, line));
  }
  return lines;
}

function parseLine(text: string, line: number): CheckpointLine {
  try {
    const { note, from, proof, at } = JSON.parse(text) as Record<string, unknown>;
    const parsed = typeof note === 'string' ? parseNote(note) : undefined;
    if (parsed === undefined || !Array.isArray(proof)) return { line };
    const hashes = proof.map((hash) => Buffer.from(String(hash), 'base64'));
    const isSize = typeof from === 'number' && Number.isSafeInteger(from);
    return { ...parsed, line, from: isSize ? from : null, proof: hashes, at: String(at) };
  } catch {
    return { line };
  }
}

export function isCheckpoint(line: CheckpointLine): line is ExportedCheckpoint {
  return 'root' in line;
}

/**
 * Checks the whole log: every entry against its leaf, the tree of the leaves against every
 * checkpoint that was exported, and the checkpoints against each other. All of it is computed from
 * the entries; of the subtrees that are kept none is read. scripts/verify-audit.mjs does the same
 * from an export, and shares no line with this.
 */
import { isCheckpoint, type CheckpointLine, type ExportedCheckpoint } from './checkpoint-file.ts';
import { isSignedBy } from './note.ts';
import { readLeaves, type Finding, type Reading } from './reading.ts';
import type { LogRow } from './store-log.ts';
import { isConsistent } from './tree.ts';

/** Entries that are gone, and who took that upon them. */
export type Loss = { readonly from: number; readonly to: number; readonly acceptedAt: string };

export type Verdict = {
  readonly isWhole: boolean;
  /** Entries in the log. */
  readonly size: number;
  readonly checkpoints: number;
  /** Entries that a checkpoint vouches for. */
  readonly signed: number;
  /** Entries whose detail was erased, each said in another entry. */
  readonly erased: number;
  readonly losses: readonly Loss[];
  /** The first wrong entry first. */
  readonly findings: readonly Finding[];
};

export type Evidence = {
  readonly leaves: AsyncIterable<LogRow>;
  readonly checkpoints: readonly CheckpointLine[];
  readonly origin: string;
  /** Raw public keys that whoever checks has from elsewhere. */
  readonly trusted: readonly Buffer[];
  /** Entries that are neither in the log nor wait for it. */
  readonly stowaways: { readonly count: number; readonly first: string | null };
};

export async function verifyLog(evidence: Evidence): Promise<Verdict> {
  const exported = evidence.checkpoints.filter(isCheckpoint);
  const reading = await readLeaves(evidence.leaves, new Set(exported.map(({ size }) => size)));
  const judged = new FileJudge(reading, evidence, exported).judge();
  const { count, first } = evidence.stowaways;
  const stowaways =
    count === 0
      ? []
      : [about(reading.size, `${count} entries were put past the log, such as ${first}.`)];
  const unsigned =
    reading.size > 0 && exported.length === 0
      ? [about(0, 'No checkpoint vouches for the log.')]
      : [];
  const findings = [...reading.findings, ...judged.findings, ...stowaways, ...unsigned];
  return {
    isWhole: findings.length === 0,
    size: reading.size,
    checkpoints: exported.length,
    signed: judged.signed,
    erased: reading.erased,
    losses: reading.acceptances.map(({ kept, exportedSize, at }) => ({
      from: kept,
      to: exportedSize - 1,
      acceptedAt: at,
    })),
    findings: findings.toSorted((a, b) => (a.position ?? Infinity) - (b.position ?? Infinity)),
  };
}

function about(position: number, what: string): Finding {
  return { position, line: null, what };
}

/** Goes through the file line by line, in the order in which it grew. */
class FileJudge {
  readonly #reading: Reading;
  readonly #origin: string;
  readonly #lines: readonly ExportedCheckpoint[];
  readonly #trusted: Set<string>;
  /** Each with the last line whose entries it says may be lost. */
  readonly #acceptances: readonly (Reading['acceptances'][number] & { readonly until: number })[];
  readonly #findings: Finding[] = [];
  #signed = 0;
  #before: ExportedCheckpoint | undefined;
  #unlike: ExportedCheckpoint | undefined;
  #beyond: ExportedCheckpoint | undefined;

  constructor(reading: Reading, { origin, trusted }: Evidence, lines: ExportedCheckpoint[]) {
    this.#reading = reading;
    this.#origin = origin;
    this.#lines = lines;
    this.#trusted = new Set(trusted.map((key) => key.toString('hex')));
    this.#acceptances = reading.acceptances.map((one) => {
      const accepted = ({ size, root }: ExportedCheckpoint) =>
        size === one.exportedSize && root.toString('hex') === one.exportedRoot;
      return { ...one, until: lines.findLast(accepted)?.line ?? 0 };
    });
  }

  judge() {
    for (const line of this.#lines) {
      const isLost = this.#isForgiven(line) && !this.#fits(line);
      if (!isLost && this.#isSigned(line)) this.#compare(line);
      this.#before = line;
    }
    return { signed: this.#signed, findings: [...this.#findings, ...this.#againstTheLog()] };
  }

  #fits({ size, root }: ExportedCheckpoint): boolean {
    return this.#reading.roots.get(size)?.equals(root) === true;
  }

  #find(line: ExportedCheckpoint, what: string): void {
    this.#findings.push({ position: null, line: line.line, what });
  }

  /**
   * By the key that the log has in force there. A key that nobody trusts yet is trusted where the
   * one before it signed too.
   */
  #isSigned(line: ExportedCheckpoint): boolean {
    const { keys, size } = this.#reading;
    const inForce = (at: number) => keys.findLast(({ position }) => position < at)?.publicKey;
    const isBy = (key: string | undefined) =>
      key !== undefined && isSignedBy(line, Buffer.from(key, 'hex'));
    const isTrusted = (key: string | undefined) => key !== undefined && this.#trusted.has(key);
    const [key, earlier] = [inForce(line.size), inForce(this.#before?.size ?? 0)];
    // Beyond the end of the log nobody can say which key was in force.
    const isGood =
      line.size > size
        ? [...this.#trusted].some(isBy)
        : isBy(key) && (isTrusted(key) || (isTrusted(earlier) && isBy(earlier)));
    if (line.origin !== this.#origin) this.#find(line, 'It is of another log.');
    else if (!isGood) this.#find(line, 'No key of this log that you trust signed it.');
    else if (line.size <= size) this.#trusted.add(key!);
    return isGood && line.origin === this.#origin;
  }

  #compare(line: ExportedCheckpoint): void {
    if (this.#fits(line)) this.#signed = Math.max(this.#signed, line.size);
    else if (line.size <= this.#reading.size) this.#unlike ??= line;
    else if (line.size >= (this.#beyond?.size ?? 0)) this.#beyond = line;
    this.#compareToBefore(line);
  }

  #compareToBefore(line: ExportedCheckpoint): void {
    const before = this.#before;
    if (line.from === null) {
      if (before !== undefined && !this.#isForgiven(before))
        this.#find(line, 'It does not go on from the checkpoint before it.');
    } else if (before?.size !== line.from)
      this.#find(line, `A checkpoint over ${line.from} entries is missing before it.`);
    else if (!isConsistent(before, line, line.proof))
      this.#find(line, 'It is of another history than the checkpoint before it.');
  }

  /** Whether a person said in the log that what it was signed over may be lost. */
  #isForgiven({ size, line }: ExportedCheckpoint): boolean {
    return this.#acceptances.some(({ kept, until }) => kept < size && line <= until);
  }

  /** The first checkpoint that the entries do not make, and the last that they do not reach. */
  #againstTheLog(): Finding[] {
    const { size } = this.#reading;
    const found: Finding[] = [];
    if (this.#unlike !== undefined) {
      const last = this.#unlike.size - 1;
      const first = this.#signed <= last ? this.#signed : 0;
      // Where an entry is wrong by itself, that is where it begins.
      const named = this.#reading.findings.find(({ position }) => position! >= first);
      const position = named !== undefined && named.position! <= last ? named.position : first;
      const what = `Entries from here to position ${last} are not those that were signed.`;
      found.push({ position, line: this.#unlike.line, what });
    }
    if (this.#beyond !== undefined) {
      const { line, at, size: signed } = this.#beyond;
      const what = `The log ends here, and ${signed} entries were signed at ${at}: the last ${signed - size} are missing. A backup was restored, or the log was cut.`;
      found.push({ position: size, line, what });
    }
    return found;
  }
}

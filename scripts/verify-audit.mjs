// Checks an export of the audit without Tocsin: any Node from 20 on, this one file, nothing
// installed. For somebody who does not trust the machine that wrote it. It shares no line with the
// product on purpose (test/guards/second-verifier.test.ts): a fault of one is not a fault of both.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const help = `Usage: node verify-audit.mjs log ENTRIES CHECKPOINTS KEY...
       node verify-audit.mjs entries FILE KEY...

log      The whole log: what "bin/tocsin audit export" wrote, against a copy of the file of
         checkpoints (audit-checkpoints.jsonl) that was kept elsewhere, from before the export.
entries  A list that the page Audit gave as JSON: each entry against its proof.
KEY      What "bin/tocsin audit key" printed on the day the log began, kept elsewhere.

Exit code 0: whole. 1: not. 2: called wrongly.
`;

// Hashes of RFC 9162, section 2.1.

const digest = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const parentOf = (a, b) => digest(Buffer.of(1), a, b);

/** How many leaves are left of the middle: the largest power of two below `count`. */
function half(count) {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** Hashes of all complete subtrees, a list for each level. */
class Tree {
  levels = [[]];

  add(leaf) {
    let hash = leaf;
    for (let level = 0; ; level++) {
      this.levels[level] ??= [];
      this.levels[level].push(hash);
      const { length } = this.levels[level];
      if (length % 2 === 1) return;
      hash = parentOf(this.levels[level][length - 2], hash);
    }
  }

  get size() {
    return this.levels[0].length;
  }

  /** MTH over the leaves from `start` on, recursively as the RFC defines it. */
  root(start, end) {
    const count = end - start;
    if (count === 0) return digest();
    const level = Math.log2(count);
    if (Number.isInteger(level) && start % count === 0) return this.levels[level][start / count];
    const split = half(count);
    return parentOf(this.root(start, start + split), this.root(start + split, end));
  }
}

/** The root that an inclusion proof leads to; undefined where it has the wrong length. */
function climb(leaf, position, size, path) {
  const left = [...path];
  const next = () => left.shift() ?? Buffer.alloc(0);
  const walk = (at, count) => {
    if (count === 1) return leaf;
    const split = half(count);
    const below = at < split ? walk(at, split) : walk(at - split, count - split);
    return at < split ? parentOf(below, next()) : parentOf(next(), below);
  };
  const root = walk(position, size);
  return left.length === 0 ? root : undefined;
}

/** Both roots that a consistency proof leads to, recursively: old first. */
function bridge(first, size, oldRoot, path) {
  const left = [...path];
  const next = () => left.shift() ?? Buffer.alloc(0);
  const walk = (old, count, isWhole) => {
    if (old === count) {
      const hash = isWhole ? oldRoot : next();
      return [hash, hash];
    }
    const split = half(count);
    if (old <= split) {
      const [a, b] = walk(old, split, isWhole);
      return [a, parentOf(b, next())];
    }
    const [a, b] = walk(old - split, count - split, false);
    const shared = next();
    return [parentOf(shared, a), parentOf(shared, b)];
  };
  const roots = walk(first, size, true);
  return left.length === 0 ? roots : [];
}

// Keys and signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).

function readKey(text) {
  const [, name, id, base64] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? [];
  const bytes = Buffer.from(base64 ?? '', 'base64');
  if (bytes.length !== 33 || bytes[0] !== 1) throw new Error(`${text} is no key`);
  return { name, id, raw: bytes.subarray(1).toString('hex') };
}

function idOf(name, raw) {
  const hash = digest(Buffer.from(`${name}\n`), Buffer.of(1), Buffer.from(raw, 'hex'));
  return hash.toString('hex', 0, 4);
}

function readNote(note) {
  const [, body, tail] = /^((?:[^\n]+\n){3})\n((?:[^\n]+\n)+)$/.exec(note) ?? [];
  if (body === undefined) return undefined;
  const [name, size, root] = body.split('\n');
  return { name, size: Number(size), root: Buffer.from(root, 'base64'), body, tail };
}

function isSigned({ name, body, tail }, raw) {
  if (!/^[0-9a-f]{64}$/.test(raw)) return false;
  const der = Buffer.from(`302a300506032b6570032100${raw}`, 'hex');
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return tail.split('\n').some((line) => {
    const [, signer, base64] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = Buffer.from(base64 ?? '', 'base64');
    if (signer !== name || bytes.toString('hex', 0, 4) !== idOf(name, raw)) return false;
    return verify(null, Buffer.from(body), key, bytes.subarray(4));
  });
}

// Entries.

const FIELDS = ['id', 'at', 'actor_kind', 'actor_id', 'action', 'subject_kind', 'subject_id'];

/** What the leaf of an entry is the hash of: each value as a netstring. */
function leafBytes(position, entry) {
  const fields = FIELDS.map((field) => entry[field]);
  const values = ['tocsin audit entry 1', position, ...fields, entry.detail_hash].map(String);
  return Buffer.from(values.map((value) => `${Buffer.byteLength(value)}:${value},`).join(''));
}

/** Why an entry is not what was hashed; undefined where it is. */
function faultOf(entry, position) {
  if (entry.position !== position) return entry.past ? 'was put past the log' : 'is missing';
  if (entry.id === undefined) return 'was deleted';
  if (entry.detail !== null && typeof entry.detail !== 'string') return 'is none';
  if (entry.detail !== null) {
    const hash = digest(Buffer.from(entry.salt ?? '', 'hex'), Buffer.from(entry.detail, 'utf8'));
    if (hash.toString('hex') !== entry.detail_hash) return 'has another detail than was logged';
  }
  const leaf = digest(Buffer.of(0), leafBytes(position, entry)).toString('hex');
  return leaf === entry.leaf ? undefined : 'was changed, or stood elsewhere';
}

async function* linesOf(file) {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file, 'utf8') })) {
    number += 1;
    if (line !== '') yield [line, number];
  }
}

async function readEntries(file) {
  const tree = new Tree();
  const faults = [];
  const log = { tree, faults, keys: [], restores: [], erased: new Map(), erasures: new Set() };
  for await (const [line] of linesOf(file)) {
    const entry = JSON.parse(line);
    const fault = faultOf(entry, tree.size);
    if (fault) faults.push([tree.size, `the entry at position ${tree.size} ${fault}`]);
    else noteSpecial(log, entry);
    tree.add(Buffer.from(entry.leaf ?? '', 'hex'));
  }
  for (const [id, position] of log.erased)
    if (!log.erasures.has(id))
      faults.push([position, `the detail at position ${position} was erased, and nobody said so`]);
  return log;
}

function noteSpecial(log, entry) {
  if (entry.detail === null) log.erased.set(entry.id, log.tree.size);
  if (entry.action === 'audit.detail_erased') log.erasures.add(entry.subject_id);
  if (!entry.action?.startsWith('audit.') || entry.detail === null) return;
  const detail = JSON.parse(entry.detail);
  if (['audit.key_made', 'audit.key_rotated'].includes(entry.action))
    log.keys.push({ from: log.tree.size + 1, raw: detail.public_key });
  if (entry.action !== 'audit.restore_accepted') return;
  log.restores.push({ kept: detail.kept, id: `${detail.exported_size}/${detail.exported_root}` });
}

async function readFile(file) {
  const checkpoints = [];
  for await (const [text, line] of linesOf(file)) {
    try {
      const { note, from, proof } = JSON.parse(text);
      const checkpoint = readNote(note);
      const hashes = proof.map((hash) => Buffer.from(hash, 'base64'));
      const id = `${checkpoint?.size}/${checkpoint?.root.toString('hex')}`;
      if (checkpoint) checkpoints.push({ ...checkpoint, id, line, from, proof: hashes });
    } catch {
      // A write that a power cut ended: the next line must go on from the one before.
    }
  }
  return checkpoints;
}

async function checkLog([entriesFile, checkpointsFile, ...keyTexts]) {
  const keys = keyTexts.map(readKey);
  const log = await readEntries(entriesFile);
  const checkpoints = await readFile(checkpointsFile);
  const trusted = new Set(keys.map(({ raw }) => raw));
  const { faults, tree } = log;
  const keyAt = (size) => log.keys.filter(({ from }) => from <= size).at(-1)?.raw;
  // An entry that is wrong by itself comes first: it is why the checkpoints do not fit.
  const isNamed = faults.length > 0;
  // A loss that the log itself says somebody accepted, up to the line it says it of.
  const lastLine = (wanted) => checkpoints.findLast(({ id }) => id === wanted)?.line ?? 0;
  const restores = log.restores.map(({ kept, id }) => ({ kept, until: lastLine(id) }));
  const isLost = (one) => restores.some((it) => it.kept < one.size && one.line <= it.until);
  let signed = 0;
  for (const [i, one] of checkpoints.entries()) {
    const before = checkpoints[i - 1];
    const say = (position, what) =>
      faults.push([isNamed ? Infinity : position, `checkpoint in line ${one.line}: ${what}`]);
    const [key, old] = [keyAt(one.size), keyAt(before?.size ?? 0)];
    const isBy = (raw) => trusted.has(raw) && isSigned(one, raw);
    const isOurs = one.name === keys[0].name;
    const isKnown = one.size <= tree.size;
    const fits = isKnown && tree.root(0, one.size).equals(one.root);
    if (!fits && isLost(one)) continue;
    const isNew = () => key !== undefined && isSigned(one, key) && isBy(old);
    const isGood = isKnown ? isBy(key) || isNew() : [...trusted].some(isBy);
    if (!isOurs || !isGood) {
      say(Infinity, 'not signed by a key of this log that you trust');
      continue;
    }
    if (isKnown) trusted.add(key);
    if (fits) signed = Math.max(signed, one.size);
    else if (!isKnown)
      say(tree.size, `signed over ${one.size} entries, the log has ${tree.size}: cut, or restored`);
    else say(Math.min(signed, one.size), `other entries were signed, from position ${signed} on`);
    const fault = chainFault(one, before, isLost);
    if (fault !== undefined) say(Infinity, fault);
  }
  if (tree.size > 0 && checkpoints.length === 0) faults.push([0, 'no checkpoint was read']);
  const losses = restores.map((it) => ['; a restore lost entries from', it.kept, 'on'].join(' '));
  const counts = `${tree.size} entries, ${signed} of them signed, ${log.erased.size} erased`;
  return { faults, said: counts + losses.join('') };
}

/** Why a checkpoint does not go on from the line before it. */
function chainFault(one, before, isLost) {
  const isFirst = before === undefined || isLost(before);
  if (one.from === null) return isFirst ? undefined : 'does not go on from the line before';
  if (before?.size !== one.from)
    return `a checkpoint over ${one.from} entries is missing before it`;
  if (one.size < before.size) return 'over fewer entries than the line before';
  const [a, b] = bridge(before.size, one.size, before.root, one.proof);
  return a?.equals(before.root) && b?.equals(one.root)
    ? undefined
    : 'of another history than the line before';
}

function checkEntries([file, ...keyTexts]) {
  const keys = keyTexts.map(readKey);
  const { checkpoint, entries } = JSON.parse(readFileSync(file, 'utf8'));
  const faults = [];
  const note = checkpoint === null ? undefined : readNote(checkpoint);
  const isGood = note && keys.some(({ name, raw }) => name === note.name && isSigned(note, raw));
  if (!isGood) faults.push([0, 'the checkpoint is not signed by a key that you trust']);
  let unproven = 0;
  for (const entry of entries) {
    if (entry.proof === null) unproven += 1;
    const fault = faultOf(entry, entry.position) ?? (entry.proof && proofFault(entry, note));
    if (fault) faults.push([entry.position, `the entry at position ${entry.position} ${fault}`]);
  }
  const said = `${entries.length - unproven} entries are proven, ${unproven} too new for it`;
  return { faults, said };
}

function proofFault({ position, leaf, proof }, note) {
  const path = proof.map((hash) => Buffer.from(hash, 'base64'));
  const root = note && climb(Buffer.from(leaf, 'hex'), position, note.size, path);
  return root?.equals(note.root) ? undefined : 'does not fit its proof';
}

process.on('uncaughtException', ({ message }) => {
  process.stdout.write(`NOT whole: a file or key is none, or was cut off: ${message}\n`);
  process.exitCode = 1;
});
const [verb, ...words] = process.argv.slice(2);
if (!(words.length >= { log: 3, entries: 2 }[verb])) {
  process.stderr.write(help);
  process.exitCode = 2;
} else {
  const { faults, said } = await (verb === 'log' ? checkLog(words) : checkEntries(words));
  const [first] = faults.toSorted((a, b) => a[0] - b[0]);
  const others = faults.length > 1 ? `, and ${faults.length - 1} more` : '';
  process.stdout.write(first ? `NOT whole: ${first[1]}${others}.\n` : `Whole: ${said}.\n`);
  process.exitCode = first ? 1 : 0;
}

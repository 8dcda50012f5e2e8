/** Entries and the head of the log as the page says them. Pure. */
import { stopReasons, type Entry } from './model.ts';
import { parseNote } from './note.ts';
import type { CheckpointRow, HeadRow } from './store-log.ts';

/** The sequencer comes each ten seconds: after a minute somebody should look. */
const LATE_MS = 60_000;
/** Of a value; the files have all of it. */
const VALUE_MAX = 300;

export function headOf(head: HeadRow, checkpoint: CheckpointRow | undefined, now: Date) {
  const isAway = head.runAt === null || now.getTime() - head.runAt.getTime() > LATE_MS;
  return {
    ...head,
    verdict: verdictOf(head, isAway, checkpoint),
    stopped: head.stoppedReason && stopReasons[head.stoppedReason],
    isAway,
    checkpoint: checkpoint && {
      size: checkpoint.size,
      signedAt: checkpoint.signedAt,
      root: checkpoint.root.toString('base64'),
      keyIds: parseNote(checkpoint.note)?.signatures.map(({ keyId }) => keyId) ?? [],
    },
  };
}

function verdictOf(head: HeadRow, isAway: boolean, checkpoint: CheckpointRow | undefined) {
  if (head.stoppedReason !== null) return { text: 'Nothing is signed', tone: 'bad' };
  if (isAway) return { text: 'No worker writes the log', tone: 'warn' };
  if (checkpoint === undefined) return { text: 'Not signed yet', tone: 'quiet' };
  return { text: 'Signed', tone: 'good' };
}

/** `alert.withdrawal_released` → `Alert withdrawal released`. */
export function wordsOf(name: string): string {
  const words = name.replaceAll(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const kinds: Readonly<Record<string, string>> = {
  person: 'person',
  key: 'key of a program',
  contact: 'contact',
  system: 'part of Tocsin',
  nobody: 'visitor',
};

export function shownEntry(
  entry: Entry,
  position: number | undefined,
  names: ReadonlyMap<string, string>,
) {
  return {
    ...entry,
    position,
    what: wordsOf(entry.action),
    who: names.get(entry.actorId) ?? entry.actorId,
    whoKind: kinds[entry.actorKind] ?? entry.actorKind,
    about: wordsOf(entry.subjectKind),
    aboutName: names.get(entry.subjectId),
    facts: Object.entries(entry.detail).map(([key, value]) => ({
      key: wordsOf(key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
      value: shorten(textOf(value)),
    })),
  };
}

function textOf(value: unknown): string {
  if (value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function shorten(text: string): string {
  return text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}…` : text;
}

/** What the pages of an import show. Pure. */
import type { FieldErrors } from '#kernel/outcome.ts';
import type { ChangeRow } from '#identity/index.ts';
import { formModel, pageOf, many, type Form } from '#web/index.ts';
import { columnsOf, constantColumns, neededColumns } from './columns.ts';
import { constantsOf, kindLabels, maskedExample } from './form-import.ts';
import type { Columns, OwnRun } from './import-run.ts';
import type { DirectoryRules, ImportCounts, ImportKind, RowOutcome } from '../model.ts';
import { UNREAD } from './parse.ts';
import { secondsLeft, type RunPhase, type RunState } from './run.ts';
import type { ReportedRow } from './store-run.ts';

export const ROWS_SHOWN = 50;

const phases = {
  waiting: 'Waiting for another file to be done',
  reading: 'Reading the file',
  comparing: 'Comparing it with the directory',
  writing: 'Writing',
} as const;

/** A run that is at work, or ended without anything to look at. */
export function progressModel(run: OwnRun) {
  const { id, name, kind, state, phase, progress, reason } = run;
  const isImporting = state === 'importing';
  const isWorking = isImporting || state === 'checking' || state === 'undoing';
  return {
    id,
    name,
    kind,
    state,
    reason,
    isWorking,
    isImporting,
    isUndo: run.undoes !== null,
    kindLabel: kindLabels[kind],
    doing: phase === null ? 'Waiting to begin' : doingOf(state, phase),
    percent: Math.floor((progress ?? 0) * 100),
    // The steps of an undo take very different times.
    secondsLeft: state === 'undoing' ? null : (secondsLeft(run) ?? null),
  };
}

function doingOf(state: RunState, phase: RunPhase): string {
  return state === 'undoing' && phase !== 'waiting' ? 'Taking it back' : phases[phase];
}

/** In which order people look: what went wrong, what matters most, what is most. */
const order: readonly RowOutcome[] = [
  'refused',
  'closed',
  'moved',
  'changed',
  'added',
  'unchanged',
];

/** What is listed before somebody chooses; what is refused is to be mended by its uploader. */
export function shownOutcome({ result }: Pick<OwnRun, 'result'>, isMine: boolean): RowOutcome {
  const has = (outcome: RowOutcome) => (result?.counts[outcome] ?? 0) > 0;
  return order.find((outcome) => has(outcome) && (isMine || outcome !== 'refused')) ?? 'unchanged';
}

type Words = { readonly will: string; readonly did: string; readonly tone: string };

const tileWords: Readonly<Record<RowOutcome, Words>> = {
  added: { will: 'to add', did: 'added', tone: 'good' },
  changed: { will: 'to change', did: 'changed', tone: 'info' },
  moved: { will: 'to move', did: 'moved', tone: 'info' },
  closed: { will: 'to close', did: 'closed', tone: 'warn' },
  unchanged: { will: 'unchanged', did: 'unchanged', tone: '' },
  refused: { will: 'refused', did: 'refused', tone: 'bad' },
};

/** A contact belongs to its organisation: it can end, and not move. */
function tilesOf(kind: ImportKind, counts: ImportCounts, isDone: boolean, href: string) {
  const shown: readonly RowOutcome[] =
    kind === 'organisations'
      ? ['added', 'changed', 'moved', 'closed', 'unchanged', 'refused']
      : ['added', 'changed', 'closed', 'unchanged', 'refused'];
  return shown.map((outcome) => {
    const { will, did, tone } = wordsOf(kind, outcome);
    const number = counts[outcome];
    const label = isDone ? did : will;
    return {
      number,
      label,
      tone: number > 0 ? tone : '',
      href: number > 0 ? `${href}?show=${outcome}#rows` : '',
    };
  });
}

function wordsOf(kind: ImportKind, outcome: RowOutcome): Words {
  if (kind === 'contacts' && outcome === 'closed') {
    return { will: 'to end', did: 'ended', tone: 'warn' };
  }
  return tileWords[outcome];
}

type Listed = { readonly outcome: RowOutcome; readonly rows: readonly ReportedRow[] };

/** A checked or imported file, with a page of its rows. */
export function checkedModel(run: OwnRun, { outcome, rows }: Listed) {
  const { id, name, kind, expiresAt, allOrNothing } = run;
  const { counts, notes, withheld, at } = run.result!;
  const isImported = run.state === 'imported';
  const href = `/organisations/import/${id}`;
  const { rows: shown, next } = pageOf(rows, ROWS_SHOWN, (row) => [row.line]);
  const { added, changed, closed, moved, unchanged } = counts;
  const changes = added + changed + closed + moved;
  const words = wordsOf(kind, outcome);
  return {
    id,
    name,
    kind,
    expiresAt,
    counts,
    notes,
    changes,
    next,
    isImported,
    allOrNothing,
    withheld,
    at: new Date(at),
    kindLabel: kindLabels[kind],
    importId: run.importId,
    // A file without names of columns has none to choose.
    mayChooseColumns: run.mapping !== null || notes.some((note) => note.startsWith(UNREAD)),
    goodRows: changes + unchanged,
    tiles: tilesOf(kind, counts, isImported, href),
    listed: {
      outcome,
      count: counts[outcome],
      words: isImported ? words.did : words.will,
      rows: shown,
      href: `${href}?show=${outcome}&`,
    },
  };
}

/** What became of asking a second person. */
export function secondModel(change: ChangeRow | undefined, now: Date) {
  if (change === undefined) return { change: null, isWaiting: false };
  const { id, state, proposedByName, expiresAt, decidedByName, endReason } = change;
  const isWaiting = state === 'requested' && expiresAt > now;
  const isOver = state === 'requested' && !isWaiting;
  return {
    change: { id, state, proposedByName, expiresAt, decidedByName, endReason, isOver },
    isWaiting,
  };
}

type Given = {
  readonly model: DirectoryRules;
  readonly form?: Form;
  readonly errors?: FieldErrors;
};

/** The form that asks which column is which: those that are needed or were found come first. */
export function columnsModel(run: OwnRun, columns: Columns, { model, form, errors }: Given) {
  const { kind, names, examples, mapping } = columns;
  const fields = columnsOf[kind];
  const values =
    form ?? Object.fromEntries(Object.entries(mapping).map(([k, v]) => [k, String(v)]));
  const constants: Readonly<Record<string, Readonly<Record<string, { label: string }>>>> =
    constantsOf(kind, model);
  const choices = names.map((name, place) => ({
    value: String(place),
    text: `${name || `column ${place + 1}`}${sampleOf(examples, place)}`,
  }));
  const asked = fields.map((ours) => ({
    name: ours,
    label: labelOf(ours),
    isNeeded: neededColumns[kind].includes(ours),
    options: [
      ...choices,
      ...(constantColumns[kind].includes(ours) ? Object.entries(constants[ours] ?? {}) : []).map(
        ([key, { label }]) => ({ value: `=${key}`, text: `all rows: ${label}` }),
      ),
    ],
  }));
  const isFirst = ({ name, isNeeded }: (typeof asked)[number]) =>
    isNeeded || usualColumns[kind].includes(name) || many(values[name])[0] !== undefined;
  return {
    id: run.id,
    name: run.name,
    kind,
    kindLabel: kindLabels[kind],
    form: formModel(fields, values, errors ?? {}),
    first: asked.filter(isFirst),
    others: asked.filter((one) => !isFirst(one)),
    names: names.map((name, i) => name || `column ${i + 1}`),
    examples: examples.map(({ line, cells }) => ({
      line,
      cells: names.map((_, i) => maskedExample(cells[i] ?? '')),
    })),
  };
}

/** Without a number or an address a contact is refused. */
const usualColumns: Readonly<Record<ImportKind, readonly string[]>> = {
  organisations: ['region', 'closed_on'],
  contacts: ['mobile', 'email'],
};

function sampleOf(examples: Columns['examples'], place: number): string {
  const cell = examples.map(({ cells }) => cells[place] ?? '').find((one) => one !== '');
  return cell === undefined ? '' : ` (${maskedExample(cell)})`;
}

/** `organisation_code` is “Organisation code”. */
function labelOf(column: string): string {
  const words = column.replaceAll('_', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

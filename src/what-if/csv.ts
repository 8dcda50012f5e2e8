/** A rehearsal as a table: a row for each figure, a column for each set of rules. Pure. */
import { formatMoney } from '#kernel/money.ts';
import type { Side } from './rehearse.ts';
import type { Summary } from './summary.ts';

export type FigureRow = { readonly what: string; readonly values: readonly string[] };

const MINUTE_MS = 60_000;

/** The figures of all sides, in the order in which they are read. */
export function figureRows(sides: readonly Side[]): FigureRow[] {
  const row = (what: string, of: (summary: Summary) => string): FigureRow => ({
    what,
    values: sides.map(({ summary }) => of(summary)),
  });
  const rounds = Math.max(...sides.map(({ summary }) => summary.rounds.length));
  return [
    row('Organisations', ({ organisations }) => counted(organisations)),
    row('Of them must answer', ({ mustAnswer }) => counted(mustAnswer)),
    row('Texts', ({ texts }) => counted(texts)),
    row('Billed parts of texts', ({ fragments }) => counted(fragments)),
    row('Mails', ({ mails }) => counted(mails)),
    row('Automatic answers by text, not in the cost', ({ replies }) => counted(replies)),
    row('Cost', ({ costPence }) => formatMoney(costPence)),
    row('Last message leaves after', ({ lastLeftMs }) => minutes(lastLeftMs)),
    ...Array.from({ length: rounds }, (_, i) =>
      row(`Round ${i + 1}`, (summary) => roundWords(summary, i)),
    ),
    ...reachedRows(sides),
    row('Answered by their deadline', ({ answeredInTime, mustAnswer }) =>
      share(answeredInTime, mustAnswer),
    ),
    row('First silent name on the call list after', ({ list }) => minutes(list.firstSilentMs)),
    row('Names that come on the call list', ({ list }) => counted(list.ever)),
    row('Silent to the end of their chain', ({ list }) => counted(list.silent)),
    row('Never reached', ({ list }) => counted(list.unreachable)),
    row('Regions told', ({ regions }) =>
      regions === undefined
        ? 'no'
        : `${counted(regions.silent)} silent in ${regions.regions} regions after ${minutes(regions.afterMs)}`,
    ),
    row('Called off, since they had answered', ({ notSent }) => counted(notSent.called_off)),
  ];
}

function reachedRows(sides: readonly Side[]): FigureRow[] {
  const windows = sides[0]?.summary.reached ?? [];
  return windows.flatMap(({ withinMinutes }, i) => [
    {
      what: `Told within ${withinMinutes} min`,
      values: sides.map(({ summary }) => share(summary.reached[i]!.told, summary.organisations)),
    },
    {
      what: `Answered within ${withinMinutes} min`,
      values: sides.map(({ summary }) => share(summary.reached[i]!.answered, summary.mustAnswer)),
    },
  ]);
}

function roundWords({ rounds }: Summary, place: number): string {
  const round = rounds[place];
  if (round === undefined) return 'none';
  const { texts, mails, opensAfterMs } = round;
  const when = opensAfterMs === 0 ? 'at once' : `after ${minutes(opensAfterMs)}`;
  const many = (count: number, one: string) => `${counted(count)} ${one}${count === 1 ? '' : 's'}`;
  const what = round.reminds ? ', a reminder' : '';
  return `${many(texts, 'text')}, ${many(mails, 'mail')} ${when}${what}`;
}

export function share(part: number, all: number): string {
  if (all === 0) return '0';
  return `${counted(part)} (${Math.round((100 * part) / all)} %)`;
}

/** `never`, `at once`, `12 s`, `14 min`, `3.5 h`, `2.1 days`. */
export function minutes(ms: number | null): string {
  if (ms === null) return 'never';
  if (ms < 1_000) return 'at once';
  if (ms < 2 * MINUTE_MS) return `${Math.round(ms / 1_000)} s`;
  if (ms < 120 * MINUTE_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  const hours = ms / 3_600_000;
  return hours < 72 ? `${tenths(hours)} h` : `${tenths(hours / 24)} days`;
}

function tenths(value: number): string {
  return String(Math.round(10 * value) / 10);
}

export function counted(count: number): string {
  return count.toLocaleString('en-GB');
}

/** The table of figures, then who is told by role and round, then what breaks. */
export function rehearsalTable(sides: readonly Side[], names: readonly string[]): string[][] {
  const figures = figureRows(sides).map(({ what, values }) => [what, ...values]);
  const roles = [...new Set(sides.flatMap(({ summary }) => summary.roles.map(({ role }) => role)))];
  const told = roles.map((role) => [
    `Messages to ${role}`,
    ...sides.map(({ summary }) => {
      const found = summary.roles.find((one) => one.role === role);
      const all = [...(found?.texts ?? []), ...(found?.mails ?? [])];
      return counted(all.reduce((sum, one) => sum + one, 0));
    }),
  ]);
  const broken = sides.flatMap(({ breaks }, i) =>
    breaks.map(({ says, names: those }) => {
      const cells = sides.map((_, j) => (i === j ? [says, ...those].join('; ') : ''));
      return ['What breaks', ...cells];
    }),
  );
  return [['', ...names], ...figures, ...told, ...broken];
}

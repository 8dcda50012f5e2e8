/** What a measurement says, and how it is written down. */
import { describeMachine, type Machine } from './machine.ts';

/** How `value` is judged: `limit` is what the same machine could do at most in the same run. */
export type Figure = {
  readonly id: string;
  /** The median of `runs`, unless `note` says otherwise. */
  readonly value: number;
  readonly unit: string;
  readonly limit: number;
  /** Value by limit. */
  readonly ratio: number;
  /** In the unit of the value. */
  readonly target: number;
  /** Of the runs. */
  readonly worst: number;
  readonly met: boolean;
};

export type Measurement = Figure & {
  readonly title: string;
  readonly limitIs: string;
  readonly runs: readonly number[];
  /** Further numbers worth reading, a sentence each. */
  readonly notes: readonly string[];
};

export type Judged = {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly value: number;
  readonly limit: number;
  readonly limitIs: string;
  readonly target: number;
  readonly better: 'more' | 'less';
  readonly runs: readonly number[];
  readonly notes?: readonly string[];
  /** A condition beside the number, such as "no request refused". */
  readonly alsoNeeds?: boolean;
};

export function judge(judged: Judged): Measurement {
  const { better, alsoNeeds = true, notes = [], ...rest } = judged;
  const { value, limit, target } = judged;
  const reached = better === 'more' ? value >= target : value <= target;
  const worst = better === 'more' ? Math.min(...judged.runs) : Math.max(...judged.runs);
  return { ...rest, notes, worst, ratio: value / limit, met: reached && alsoNeeds };
}

/** Nearest-rank: the smallest value that at least `share` of all do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (found === undefined) throw new RangeError('no values');
  return found;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Three significant digits, and no exponent. */
export function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

export function asJson(machine: Machine, measured: readonly Measurement[]): string {
  const figures = measured.map(({ id, value, unit, limit, ratio, target, worst, met }): Figure => ({
    id,
    value: rounded(value),
    unit,
    limit: rounded(limit),
    ratio: rounded(ratio),
    target: rounded(target),
    worst: rounded(worst),
    met,
  }));
  return JSON.stringify({ machine, figures });
}

export function asTable(machine: Machine, measured: readonly Measurement[]): string {
  const rows = measured.map((m) => [
    m.id,
    `${rounded(m.value)} ${m.unit}`,
    `${rounded(m.target)}`,
    m.met ? 'met' : 'NOT MET',
    `${rounded(m.limit)}`,
    `${rounded(m.ratio)}`,
    spreadOf(m.runs),
  ]);
  const head = ['figure', 'value', 'target', '', 'limit', 'ratio', 'runs (least to most)'];
  const widths = head.map((word, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
  const said = measured.flatMap((m) => [
    '',
    `${m.id}: ${m.title}. Limit: ${m.limitIs}.`,
    ...m.notes.map((note) => `  ${note}`),
  ]);
  return `${[describeMachine(machine), '', ...lines, ...said].join('\n')}\n`;
}

function spreadOf(runs: readonly number[]): string {
  const [least, most] = [Math.min(...runs), Math.max(...runs)];
  return `${runs.length} (${rounded(least)} to ${rounded(most)})`;
}

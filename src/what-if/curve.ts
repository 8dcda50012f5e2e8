/** Two runs as lines over time, as SVG that reads without script and prints. Pure. */
import { scaleLinear } from 'd3-scale';
import { curveStepAfter, line } from 'd3-shape';
import type { Side } from './rehearse.ts';
import { counted, minutes } from './csv.ts';

export type Lines = {
  readonly width: number;
  readonly height: number;
  readonly plot: { readonly left: number; readonly right: number; readonly bottom: number };
  /** One for each set of rules. */
  readonly lines: readonly { readonly path: string; readonly end: number }[];
  readonly xTicks: readonly { readonly x: number; readonly label: string }[];
  readonly yTicks: readonly { readonly y: number; readonly label: string }[];
  readonly summary: string;
};

const WIDTH = 640;
const HEIGHT = 250;
const MARGIN = { top: 20, right: 56, bottom: 44, left: 76 };
const MINUTE_MS = 60_000;
const SHORTEST_MINUTES = 60;
/** After the last round, so that its answers are seen too. */
const AFTER_MINUTES = 30;

/** Messages that have left, and organisations that must answer and have. */
export function drawSides(sides: readonly Side[]): { left: Lines; answered: Lines } {
  const span = Math.max(SHORTEST_MINUTES, ...sides.map(lastRoundMinutes));
  const must = Math.max(...sides.map(({ summary }) => summary.mustAnswer));
  return {
    left: draw(sides.map(leftAt), { span, top: 0, what: 'messages have left' }),
    answered: draw(sides.map(answeredAt), {
      span,
      top: must,
      what: 'organisations that must answer have',
    }),
  };
}

function lastRoundMinutes({ summary: { rounds } }: Side): number {
  return (rounds.at(-1)?.opensAfterMs ?? 0) / MINUTE_MS + AFTER_MINUTES;
}

/** In minutes after the release, in order. */
function leftAt({ run: { ended, releasedAtMs } }: Side): number[] {
  return ended
    .filter(({ ending }) => ending === 'sent')
    .map(({ atMs }) => (atMs - releasedAtMs) / MINUTE_MS);
}

function answeredAt({ run: { fates, releasedAtMs } }: Side): number[] {
  return fates
    .flatMap(({ mustAnswer, answeredAtMs }) =>
      mustAnswer && answeredAtMs !== null ? [(answeredAtMs - releasedAtMs) / MINUTE_MS] : [],
    )
    .toSorted((a, b) => a - b);
}

function draw(
  series: readonly (readonly number[])[],
  { span, top, what }: { readonly span: number; readonly top: number; readonly what: string },
): Lines {
  const within = series.map((times) => times.filter((minute) => minute <= span));
  const highest = Math.max(1, top, ...within.map((times) => times.length));
  const x = scaleLinear([0, span], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear([0, highest], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const path = line<readonly [number, number]>(
    ([px]) => px,
    ([, count]) => rounded(y(count)),
  ).curve(curveStepAfter);
  const ticks = y.ticks(4).filter(Number.isInteger);
  return {
    width: WIDTH,
    height: HEIGHT,
    plot: { left: MARGIN.left, right: WIDTH - MARGIN.right, bottom: HEIGHT - MARGIN.bottom },
    lines: within.map((times) => ({
      path: path([[MARGIN.left, 0], ...columns(times, x), [x(span), times.length]]) ?? '',
      end: rounded(y(times.length)),
    })),
    xTicks: x.ticks(3).map((minute) => ({ x: rounded(x(minute)), label: label(minute) })),
    yTicks: ticks.map((count) => ({ y: rounded(y(count)), label: counted(count) })),
    summary: `${within.map((times) => counted(times.length)).join(' and ')} ${what} after ${label(span)}`,
  };
}

/** How many there were at the end of each column of the picture. */
function columns(times: readonly number[], x: (minute: number) => number): [number, number][] {
  return [...new Map(times.map((minute, i) => [2 * Math.round(x(minute) / 2), i + 1]))];
}

function label(minute: number): string {
  return minute === 0 ? '0' : minutes(minute * MINUTE_MS);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The curve of answers against time, as SVG that reads without script and prints. */
import { scaleLinear } from 'd3-scale';
import { area, curveStepAfter, line } from 'd3-shape';

export type CurveView = {
  readonly width: number;
  readonly height: number;
  /** Where the lines end; the labels stand outside. */
  readonly plot: { readonly left: number; readonly right: number; readonly bottom: number };
  readonly line: string;
  readonly area: string;
  /** Where the line stands now. */
  readonly tip: { readonly x: number; readonly y: number };
  readonly xTicks: readonly { readonly x: number; readonly label: string }[];
  readonly yTicks: readonly { readonly y: number; readonly label: string }[];
  /** Where the deadline lies, or how far beyond the picture it is. */
  readonly deadline: Deadline | undefined;
  readonly summary: string;
};

export type Deadline = {
  /** The right edge, where it lies beyond. */
  readonly x: number;
  readonly isBeyond: boolean;
  readonly label: string;
  /** Towards the middle, so that it does not leave the picture. */
  readonly anchor: 'start' | 'end';
};

const WIDTH = 640;
const HEIGHT = 270;
/** Room for the labels where they are largest beside the picture: on a phone. */
const MARGIN = { top: 36, right: 48, bottom: 48, left: 68 };
const SHORTEST_MINUTES = 15;
/** The picture reaches to the deadline unless that would press the curve into a quarter of it. */
const DEADLINE_TIMES_MOST = 4;
/** So much beyond the deadline, that its line stands free of the edge. */
const BEYOND = 1.05;

export type CurveInput = {
  /** Minutes after release of each acknowledgement, in order. */
  readonly answers: readonly number[];
  readonly mustAnswer: number;
  readonly elapsedMinutes: number;
  readonly deadlineMinutes: number;
};

export function drawCurve(input: CurveInput): CurveView {
  const { answers, mustAnswer, elapsedMinutes, deadlineMinutes } = input;
  const span = spanOf(input);
  const x = scaleLinear([0, span], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear([0, Math.max(1, mustAnswer)], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const points = [
    { x: MARGIN.left, y: round(y(0)) },
    ...stepsOf(answers, (minute) => 2 * Math.round(x(minute) / 2)).map(([px, count]) => ({
      x: px,
      y: round(y(count)),
    })),
    { x: round(x(elapsedMinutes)), y: round(y(answers.length)) },
  ];
  const path = line<(typeof points)[number]>(
    (point) => point.x,
    (point) => point.y,
  ).curve(curveStepAfter);
  const fill = area<(typeof points)[number]>()
    .x((point) => point.x)
    .y0(y(0))
    .y1((point) => point.y)
    .curve(curveStepAfter);
  return {
    width: WIDTH,
    height: HEIGHT,
    plot: { left: MARGIN.left, right: WIDTH - MARGIN.right, bottom: HEIGHT - MARGIN.bottom },
    line: path(points) ?? '',
    area: fill(points) ?? '',
    tip: { x: round(x(elapsedMinutes)), y: round(y(answers.length)) },
    xTicks: x.ticks(3).map((minute) => ({ x: round(x(minute)), label: minuteLabel(minute) })),
    yTicks: wholeTicks(y.domain()[1] ?? 1).map((count) => ({
      y: round(y(count)),
      label: count.toLocaleString('en-GB'),
    })),
    deadline: deadlineOf(input, { span, x }),
    summary: summaryOf(input, deadlineMinutes),
  };
}

function spanOf({ elapsedMinutes, deadlineMinutes }: CurveInput): number {
  const shortest = Math.max(SHORTEST_MINUTES, elapsedMinutes);
  return deadlineMinutes <= shortest * DEADLINE_TIMES_MOST
    ? Math.max(shortest, deadlineMinutes * BEYOND)
    : shortest;
}

function deadlineOf(
  { elapsedMinutes, deadlineMinutes }: CurveInput,
  { span, x }: { span: number; x: (minute: number) => number },
): Deadline | undefined {
  if (!Number.isFinite(deadlineMinutes)) return undefined;
  const isBeyond = deadlineMinutes > span;
  const left = deadlineMinutes - elapsedMinutes;
  return {
    x: round(x(Math.min(deadlineMinutes, span))),
    isBeyond,
    label: left > 0 ? `deadline in ${minuteLabel(left)}` : 'deadline',
    anchor: deadlineMinutes > span / 2 ? 'end' : 'start',
  };
}

/** How many there were at the end of each column of the picture, however many answered. */
function stepsOf(answers: readonly number[], columnOf: (minute: number) => number) {
  return [...new Map(answers.map((minute, i) => [columnOf(minute), i + 1]))];
}

function summaryOf({ answers, mustAnswer, elapsedMinutes }: CurveInput, deadline: number): string {
  const said = `${answers.length} of ${mustAnswer} organisations acknowledged ${minuteLabel(elapsedMinutes)} after release`;
  if (!Number.isFinite(deadline)) return `${said}.`;
  const left = deadline - elapsedMinutes;
  return left > 0
    ? `${said}; the deadline is in ${minuteLabel(left)}.`
    : `${said}; the deadline was ${minuteLabel(-left)} ago.`;
}

function wholeTicks(top: number): number[] {
  const ticks = scaleLinear([0, top], [0, 1]).ticks(4).filter(Number.isInteger);
  return [...new Set([0, ...ticks])];
}

function minuteLabel(minutes: number): string {
  if (minutes < 120) return `${Math.round(minutes)} min`;
  // As spans of time are written everywhere: beyond three days in days.
  if (minutes > 3 * 24 * 60) return `${Math.round(minutes / 144) / 10} days`;
  return `${Math.round(minutes / 6) / 10} h`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

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
  /** The deadline, where it lies within the picture. */
  readonly deadlineX: number | undefined;
  readonly summary: string;
};

const WIDTH = 640;
const HEIGHT = 260;
/** Room for the labels where they are largest beside the picture: on a phone. */
const MARGIN = { top: 24, right: 48, bottom: 48, left: 68 };
const SHORTEST_MINUTES = 15;

export type CurveInput = {
  /** Minutes after release of each acknowledgement, in order. */
  readonly answers: readonly number[];
  readonly mustAnswer: number;
  readonly elapsedMinutes: number;
  readonly deadlineMinutes: number;
};

export function drawCurve(input: CurveInput): CurveView {
  const { answers, mustAnswer, elapsedMinutes, deadlineMinutes } = input;
  const span = Math.max(SHORTEST_MINUTES, elapsedMinutes);
  const x = scaleLinear([0, span], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear([0, Math.max(1, mustAnswer)], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const points = [
    { minute: 0, count: 0 },
    ...answers.map((minute, i) => ({ minute, count: i + 1 })),
    { minute: elapsedMinutes, count: answers.length },
  ];
  const path = line<(typeof points)[number]>(
    ({ minute }) => round(x(minute)),
    ({ count }) => round(y(count)),
  ).curve(curveStepAfter);
  const fill = area<(typeof points)[number]>()
    .x(({ minute }) => round(x(minute)))
    .y0(y(0))
    .y1(({ count }) => round(y(count)))
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
      label: String(count),
    })),
    deadlineX: deadlineMinutes <= span ? round(x(deadlineMinutes)) : undefined,
    summary: `${answers.length} of ${mustAnswer} organisations acknowledged ${minuteLabel(elapsedMinutes)} after release.`,
  };
}

function wholeTicks(top: number): number[] {
  const ticks = scaleLinear([0, top], [0, 1]).ticks(4).filter(Number.isInteger);
  return [...new Set([0, ...ticks])];
}

function minuteLabel(minutes: number): string {
  if (minutes < 120) return `${Math.round(minutes)} min`;
  return `${Math.round(minutes / 6) / 10} h`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

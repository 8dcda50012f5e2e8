/** How severe is how severe, what others say of it, and whom to tell: the parts of the model. */

export type SeverityMatrix = Readonly<Record<AxisName, Axis>> & {
  /** The first that fits counts; every combination of answers fits one. */
  readonly rules: readonly MatrixRule[];
};

export const axisNames = ['impact', 'spread', 'confidence'] as const;

export type AxisName = (typeof axisNames)[number];

/** One question of the matrix. */
export type Axis = {
  readonly label: string;
  /** Labels by id, in the order of the file. */
  readonly answers: Readonly<Record<string, string>>;
};

/** An axis left out: whatever the answer is. */
export type MatrixRule = { readonly [axis in AxisName]?: readonly string[] | undefined } & {
  /** An id of `severities`. */
  readonly severity: string;
  /** Why, in one sentence that readers of the rules understand. */
  readonly because: string;
};

export type DeclaredScale = {
  readonly label: string;
  readonly setBy: string;
  /** Labels by id. */
  readonly levels: Readonly<Record<string, string>>;
};

export type ReportingClock = {
  readonly id: string;
  readonly label: string;
  /** On whom the duty lies. */
  readonly who: string;
  readonly withinMs: number;
  /** What starts it: “becoming aware of …”. */
  readonly countedFrom: string;
  readonly where: string;
};

/** A model as its page shows it: ladders, matrix, rights. Pure. */
import { permissions, type Permission } from '#kernel/actor.ts';
import {
  axisNames,
  combinationsOf,
  explainSeverity,
  OWNER,
  proposeSeverity,
  spokenDuration,
  type Ladder,
  type OperatingModel,
  type Severity,
} from '#operating-model/index.ts';

/** One thing that happens after the release of an alert. */
export type Rung = {
  readonly atMs: number;
  /** `after 30 min`. */
  readonly when: string;
  readonly says: string;
  /** People are told, something is due, or something ends. */
  readonly kind: 'told' | 'due' | 'end';
};

/** What happens when, the earliest first; what happens together in the order of the work. */
export function ladderOf(severity: Severity): Rung[] {
  const { rounds, channels } = severity;
  const by = channels.join(' and ');
  const last = rounds.at(-1)!.afterMs;
  const ranks = (index: number) => `rank ${rounds[index]!.ranks.join(' and ')}`;
  const rung = (atMs: number, kind: Rung['kind'], says: string): Rung => ({
    atMs,
    kind,
    says,
    when: atMs === 0 ? 'at once' : `after ${spokenDuration(atMs)}`,
  });
  const all = [
    ...rounds.map(({ afterMs }, i) =>
      rung(
        afterMs,
        'told',
        i === 0
          ? `${ranks(0)} of every organisation, by ${by}`
          : `${ranks(i)}, where nobody answered`,
      ),
    ),
    rung(last, 'end', 'the chain ends: the silent stand on the call list'),
    rung(severity.nextUpdateWithinMs, 'due', 'our next update'),
    rung(severity.acknowledgeWithinMs, 'due', 'their answer'),
    rung(severity.sendExpiresAfterMs, 'end', 'what has not left is not sent any more'),
  ];
  return all.toSorted((a, b) => a.atMs - b.atMs);
}

/** The whole page. */
export function modelPage(model: OperatingModel) {
  const { roles, reportingClocks } = model;
  return {
    model,
    severities: model.severities.map((severity) => ({
      ...severity,
      ladder: ladderOf(severity),
      sentences: explainSeverity(model, severity),
    })),
    matrix: matrixPage(model),
    rights: rightsPage(model),
    roleLabels: Object.values(roles).map(({ label }) => label),
    woken: wokenPage(model),
    mustAnswer: Object.values(model.organisationTypes)
      .filter((type) => type.mustAnswer)
      .map(({ label }) => label),
    clocks: reportingClocks.map((one) => ({ ...one, within: spokenDuration(one.withinMs) })),
    promises: promisesOf(model),
  };
}

/** Rows by the first question, columns by the second, in each cell a line for every third. */
function matrixPage(model: OperatingModel) {
  const { severityMatrix: matrix } = model;
  const [impacts, spreads] = axisNames.map((axis) => Object.entries(matrix[axis].answers)) as [
    [string, string][],
    [string, string][],
  ];
  const combinations = combinationsOf(matrix);
  return {
    axes: matrix,
    columns: spreads.map(([, label]) => label),
    rows: impacts.map(([impact, label]) => ({
      label,
      cells: spreads.map(([spread]) =>
        combinations
          .filter((one) => one.impact === impact && one.spread === spread)
          .map((answers) => {
            const { severity, because } = proposeSeverity(model, answers)!;
            return { answer: matrix.confidence.answers[answers.confidence]!, severity, because };
          }),
      ),
    })),
  };
}

/** Each right that somebody has, and which roles have it, in the order of the file. */
function rightsPage({ roles }: OperatingModel) {
  const held = (permission: Permission) =>
    Object.values(roles).map(({ may }) => may.includes(permission));
  return (Object.keys(permissions) as Permission[])
    .map((permission) => ({ says: permissions[permission], held: held(permission) }))
    .filter((row) => row.held.includes(true));
}

/** Who is woken for what the centre owes, in one line each. */
function wokenPage({ promises, roles, severities }: OperatingModel) {
  const line = ({ steps }: Ladder) =>
    steps
      .map(({ wake, afterMs }) => {
        const who = wake.map((id) => (id === OWNER ? 'whoever has it' : roles[id]!.label));
        const when = afterMs > 0 ? `${spokenDuration(afterMs)} after` : spokenDuration(afterMs);
        return `${afterMs === 0 ? 'when due' : when}: ${who.join(', ')}`;
      })
      .join('; ') || 'nobody';
  const { approval, nextUpdate, callBack } = promises;
  const labels = severities.filter(({ id }) => approval.severities.includes(id));
  const at = labels.map(({ label }) => label).join(', ') || 'no severity';
  return [
    {
      what: `Approval, due ${spokenDuration(approval.withinMs)} after its submission (${at})`,
      value: line(approval),
    },
    { what: 'Our next update', value: line(nextUpdate) },
    { what: 'Our call to who asked for help', value: line(callBack) },
  ];
}

/** The other times that the centre keeps, in words. */
function promisesOf(model: OperatingModel) {
  const { desk, textsPerNumber, retention } = model;
  return [
    ['Who asks for help is rung within', spokenDuration(desk.callBackWithinMs)],
    ['What somebody took at the desk is free again after', spokenDuration(desk.claimHoldsForMs)],
    ['A proof of a number or address counts for', spokenDuration(model.proofHoldsForMs)],
    [
      'Texts of alerts to one number, at most',
      `${textsPerNumber.most} in ${spokenDuration(textsPerNumber.withinMs)}`,
    ],
    ['Messages are kept, after their end, for', spokenDuration(retention.messagesMs)],
    ['Receipts and replies are kept for', spokenDuration(retention.inboxMs)],
  ].map(([what, value]) => ({ what, value }));
}

/** A model as its page shows it: ladders, matrix, rights. Pure. */
import { permissions, type Permission } from '#kernel/actor.ts';
import {
  anchorOf,
  becauseAlone,
  becauseExercise,
  axisNames,
  combinationsOf,
  explainSeverity,
  fileKeyOf,
  ladderOf,
  OWNER,
  proposeSeverity,
  spokenDuration,
  whenOf,
  type Ladder,
  type OperatingModel,
  type TextName,
} from '#operating-model/index.ts';
import { limitsPage, retentionPage, rowsOf } from './limits.ts';

/** The whole page. */
export function modelPage(model: OperatingModel) {
  const { roles, reportingClocks } = model;
  return {
    model,
    severities: model.severities.map((severity) => ({
      ...severity,
      ladder: ladderOf(severity).map((rung) => ({
        ...rung,
        when: whenOf(rung),
        anchor: anchorOf(rung.rule),
      })),
      sentences: explainSeverity(model, severity),
    })),
    matrix: matrixPage(model),
    rights: rightsPage(model),
    roleLabels: Object.values(roles).map(({ label }) => label),
    woken: wokenPage(model),
    mustAnswer: Object.values(model.organisationTypes)
      .filter((type) => type.mustAnswer)
      .map(({ label }) => label),
    clocks: reportingClocks.map((one) => ({
      ...one,
      anchor: anchorOf(`reporting_clocks.${one.id}`),
      within: spokenDuration(one.withinMs),
    })),
    texts: [...textsPage(model), ...mailsPage(model)],
    promises: promisesOf(model),
    limits: limitsPage(model),
    retention: retentionPage(model),
  };
}

function textsPage({ texts }: OperatingModel) {
  return (Object.keys(texts) as TextName[]).map((name) => ({
    anchor: anchorOf(`texts.${fileKeyOf(name)}`),
    name: fileKeyOf(name).replaceAll('_', ' '),
    says: texts[name],
  }));
}

/** What goes to one person by mail, its subject first; by text too where it has words for that. */
function mailsPage({ signingIn, ownDetails, proofMail, attestation }: OperatingModel) {
  const { codeMail, changedNotice } = signingIn;
  const mails: [rule: string, name: string, mail: Mail][] = [
    ['signing_in.code_mail', 'mail with the code to sign in', codeMail],
    ['signing_in.changed_notice', 'that an account changed', changedNotice],
    ['own_details.mail', 'mail with the code for own details', ownDetails.mail],
    ['own_details.replaced', 'that a number or address was replaced', ownDetails.replaced],
    ['proof_mail', 'mail that asks for a proof', proofMail],
    ['attestation.mail', 'mail that asks whether all is still right', attestation.mail],
  ];
  return mails.map(([rule, name, { subject, body, text }]) => ({
    anchor: anchorOf(rule),
    name,
    says: [subject, body, text].filter((one) => one !== undefined).join('\n\n'),
  }));
}

type Mail = { readonly subject: string; readonly body: string; readonly text?: string };

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
    rules: matrix.rules.map((rule, i) => ({
      ...rule,
      anchor: anchorOf(`severity_matrix.rules[${i}]`),
    })),
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
  const { approval, nextUpdate, callBack, review } = promises;
  const labels = severities.filter(({ id }) => approval.severities.includes(id));
  const at = labels.map(({ label }) => label).join(', ') || 'no severity';
  return [
    {
      anchor: anchorOf('promises.approval'),
      what: `Approval, due ${spokenDuration(approval.withinMs)} after its submission (${at})`,
      value: line(approval),
    },
    {
      anchor: anchorOf('promises.next_update'),
      what: 'Our next update',
      value: line(nextUpdate),
    },
    {
      anchor: anchorOf('promises.call_back'),
      what: 'Our call to who asked for help',
      value: line(callBack),
    },
    {
      anchor: anchorOf('promises.review'),
      what: `A look at what one person sent, due ${spokenDuration(review.withinMs)} after it`,
      value: line(review),
    },
  ];
}

/** What holds for exercises, in one line. */
function exerciseWords(model: OperatingModel): string {
  const { exercises, severities } = model;
  const { exercisedSeverities: ids, mostPerOrganisation, mostOfCentre } = exercises;
  const labels = severities.filter(({ id }) => ids.includes(id)).map(({ label }) => label);
  if (labels.length === 0) return 'None may be held';
  return [
    `${becauseExercise(model).says}.`,
    `Held as ${labels.join(', ')}, always by two people.`,
    `In 30 days at most ${mostPerOrganisation} to an organisation and ${mostOfCentre} in all.`,
    `While one is out, a live alert is marked ‘${exercises.realMark}’.`,
  ].join(' ');
}

/** What else the centre promises, in words. */
function promisesOf(model: OperatingModel) {
  return rowsOf([
    [
      'desk.call_back_within',
      'Who asks for help is rung within',
      spokenDuration(model.desk.callBackWithinMs),
    ],
    ['holding.alone', 'With one person', becauseAlone(model).says],
    ['exercises', 'Exercises', exerciseWords(model)],
  ]);
}

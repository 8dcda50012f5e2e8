/** An alert under one set of rules or two, side by side, against the directory as it is now. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Pence } from '#kernel/money.ts';
import type { Tx } from '#db/database.ts';
import { effectsFor } from '#adoption/index.ts';
import { linesFor, listAsked, listReachable, whatForbids } from '#alerts/index.ts';
import {
  severityFor,
  type Channel,
  type OperatingModel,
  type Severity,
} from '#operating-model/index.ts';
import type { AudienceQuestion } from '#organisations/index.ts';
import { answerAfterMs, type Behaviour } from './behaviour.ts';
import { breaksOf, NAMES_MAX, type Break } from './breaks.ts';
import type { Run } from './model.ts';
import { planMessages, type Directory, type Words } from './scene.ts';
import { simulate } from './simulate.ts';
import { summarise, type Summary } from './summary.ts';

export type Imagined = Words & {
  /** Undefined: it is written nowhere. */
  readonly alertId: string | undefined;
  readonly question: AudienceQuestion;
  /** Undefined: as the rules have it. */
  readonly channels: readonly Channel[] | undefined;
  readonly releasedAtMs: number;
  readonly behaviour: Behaviour;
  readonly seed: number;
  /** Undefined: as the rules have it. */
  readonly spendCapPence: Pence | undefined;
};

/** The same alert under one set of rules. */
export type Side = {
  readonly model: OperatingModel;
  readonly severity: Severity;
  readonly run: Run;
  readonly summary: Summary;
  readonly breaks: readonly Break[];
};

/** Whom an audience means and reaches now. */
export async function readDirectory(tx: Tx, question: AudienceQuestion): Promise<Directory> {
  return {
    organisations: await listAsked(tx, question),
    people: await listReachable(tx, question),
  };
}

/**
 * One side for each set of rules, the rules in force first. Refused where one of them does not know
 * the severity.
 */
export async function rehearse(
  tx: Tx,
  imagined: Imagined,
  [inForce, ...others]: readonly [OperatingModel, ...OperatingModel[]],
): Promise<Outcome<Side[]>> {
  const directory = await readDirectory(tx, imagined.question);
  const sides: Side[] = [];
  for (const model of [inForce, ...others]) {
    const { exercise, wording } = imagined;
    const known = severityFor(model, { severity: wording.severity, exercise });
    if (known === undefined)
      return refused(
        'invalid',
        `The rules ‘${model.name}’ (${model.version.slice(0, 12)}) have no severity ‘${imagined.wording.severity}’.`,
        { severity: 'Choose a severity that both sets of rules have' },
      );
    const severity = { ...known, channels: imagined.channels ?? known.channels };
    const effects = model === inForce ? [] : await effectsFor(tx, inForce, model);
    const side = await rehearseUnder(tx, imagined, { directory, model, severity });
    const broken = effects.map(({ level, says }): Break => ({
      level: level === 'error' ? 'breaks' : 'mind',
      says,
      names: [],
    }));
    const forbidden = await forbiddenBy(tx, imagined, { directory, model });
    sides.push({ ...side, breaks: [...broken, ...forbidden, ...side.breaks] });
  }
  return ok(sides);
}

/** What the rules have against an exercise like this. */
async function forbiddenBy(
  tx: Tx,
  { alertId, exercise, wording, releasedAtMs }: Imagined,
  { directory, model }: { readonly directory: Directory; readonly model: OperatingModel },
): Promise<Break[]> {
  const asked = { alertId, exercise, severity: wording.severity };
  const names = new Map(directory.organisations.map((one) => [one.organisationId, one.name]));
  const at = new Date(releasedAtMs);
  const organisationIds = [...names.keys()];
  const found = await whatForbids(tx, asked, { model, at, organisationIds });
  return found.map(({ says, organisationIds: those }) => ({
    level: 'breaks',
    says,
    names: those.slice(0, NAMES_MAX).map((id) => names.get(id)!),
  }));
}

async function rehearseUnder(
  tx: Tx,
  imagined: Imagined,
  {
    directory,
    model,
    severity,
  }: {
    readonly directory: Directory;
    readonly model: OperatingModel;
    readonly severity: Severity;
  },
): Promise<Side> {
  const { behaviour, seed, releasedAtMs } = imagined;
  const spendCapPence = imagined.spendCapPence ?? severity.spendCapPence;
  const messages = planMessages(directory, imagined, { model, severity });
  const run = simulate({
    severity,
    releasedAtMs,
    organisations: directory.organisations,
    messages,
    lines: await linesFor(tx, severity, model),
    perNumber: model.textsPerNumber,
    answerAfterMs: (message) => answerAfterMs(behaviour, seed, message),
  });
  const summary = summarise(run, { severity, model });
  const rehearsed = { model, severity, directory, messages, run, summary, spendCapPence };
  return { model, severity, run, summary, breaks: breaksOf(rehearsed) };
}

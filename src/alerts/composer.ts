/** The page on which an alert is written. */
import { may, type Actor } from '#kernel/actor.ts';
import { markings } from '#kernel/marking.ts';
import type { Refused } from '#kernel/outcome.ts';
import { becauseExercise, severityById } from '#operating-model/index.ts';
import {
  listUnknownCodes,
  parseQuestionForm,
  readChoices,
  unknownCodeErrors,
  type AudienceQuestion,
} from '#organisations/index.ts';
import { errorsAt, formIdOf, formModel, many, view, type Form, type Reply } from '#web/index.ts';
import { besideEachOther, type Beside } from './beside.ts';
import { composerFields, fieldsOf, parseDraft } from './form.ts';
import { drawnOf, nextUpdateWithin } from './next-update.ts';
import { previewOf, type AlertRoutesContext } from './pages.ts';
import { readerFields } from './readers/form.ts';
import { otherReaders } from './readers/model.ts';
import { findLastReturn } from './store-submission.ts';
import type { VersionRow } from './store.ts';

/** What the form shows, and why it was refused where it was. */
export type Composing = {
  readonly fields: Form;
  readonly version?: VersionRow;
  readonly refused?: Refused | undefined;
  /** The severity comes from the matrix: why stands beside the answers. */
  readonly isProposed?: boolean;
  /** Of one that is not saved yet: it will be an exercise, for ever. */
  readonly isExercise?: boolean;
  readonly now: Date;
};

/** What differs on the form of an exercise. */
function rehearsing(model: AlertRoutesContext['model'], isExercise: boolean) {
  const { severities, exercises } = model;
  if (!isExercise) return { isExercise, severities, because: undefined };
  const held = severities.filter(({ id }) => exercises.exercisedSeverities.includes(id));
  return { isExercise, severities: held, because: becauseExercise(model) };
}

/** The composer with its preview, whole without script. */
export async function composer(
  context: AlertRoutesContext,
  actor: Actor,
  { fields, version, refused, isProposed = false, isExercise = false, now }: Composing,
): Promise<Reply> {
  const { database, model } = context;
  const draft = parseDraft(fields, model);
  const { alertNumber, kind = 'first', exercise = isExercise } = version ?? {};
  const preview = draft.ok
    ? await previewOf(context, actor, { draft: draft.value, kind, alertNumber, exercise, now })
    : undefined;
  const audience = parseQuestionForm(fields, model);
  const isConflict = refused?.kind === 'conflict';
  const { unknown, choices, returned } = await database.withActor(actor, async (tx) => ({
    choices: await readChoices(tx, fields),
    returned: version && (await findLastReturn(tx, version.id)),
    unknown: audience.ok ? await listUnknownCodes(tx, audience.value) : [],
  }));
  // Whatever was refused, unknown codes are said with it, so that nobody has to save three times.
  const errors =
    refused === undefined
      ? {}
      : { ...(!isConflict && errorsAt('', refused)), ...unknownCodeErrors(unknown) };
  return view(
    'alerts/composer.njk',
    {
      form: formModel(composerFields(model), fields, errors),
      // After a conflict the newer revision is offered, so that saving again is a decision; after a
      // slip of the pen the old one stays, or what somebody else saved meanwhile would be lost.
      revision:
        (refused?.kind === 'invalid' ? many(fields['revision'])[0] : version?.revision) ?? 0,
      formId: version === undefined ? formIdOf(fields) : '',
      alertId: version?.alertId,
      alertNumber,
      kind,
      ...rehearsing(model, exercise),
      savedAt: version?.updatedAt,
      returned,
      refusal: refused?.message ?? '',
      beside:
        version === undefined || !isConflict ? [] : besideSaved(model, { version, typed: fields }),
      preview,
      isProposed,
      problems: [],
      model,
      readers: otherReaders(model),
      drawn: drawnOf(fields, model, now),
      nextUpdates: Object.fromEntries(
        model.severities.map(({ id, nextUpdateWithinMs }) => [
          id,
          nextUpdateWithin(nextUpdateWithinMs, now),
        ]),
      ),
      markings,
      choices,
      maySaveAudience: may(actor, 'directory.write'),
    },
    refused === undefined ? {} : { status: isConflict ? 409 : 422 },
  );
}

/** What was typed beside what is saved. */
function besideSaved(
  model: AlertRoutesContext['model'],
  { version, typed }: { readonly version: VersionRow; readonly typed: Form },
): Beside[] {
  const saved = fieldsOf(version, version.audience as AudienceQuestion);
  return besideEachOther(
    { kind: version.kind, saved, typed },
    {
      labels: readerFields(model),
      named: (field, value) =>
        field === 'severity' ? (severityById(model, value)?.label ?? value) : value,
    },
  );
}

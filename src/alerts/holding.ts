/**
 * The holding alert: the first word while facts are still coming. Four fields that come filled in,
 * everything else as the operating model has it; one press writes and submits it.
 */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import type { HoldingText, OperatingModel } from '#operating-model/index.ts';
import { everybody, type AskedQuestion, type AudienceRow } from '#organisations/index.ts';
import { many, type Form } from '#web/index.ts';
import { createAlert, type Draft } from './draft.ts';
import { instantOf } from './clock-fields.ts';
import { noContent } from './content/model.ts';
import { nextUpdateWithin } from './next-update.ts';
import { parseWording } from './parse.ts';
import type { AlertContext } from './rendering.ts';
import { findVersion } from './store.ts';
import { submitAlert } from './submit.ts';

export const holdingFields = [
  'text',
  'what',
  'doNow',
  'notKnown',
  'nextUpdateAt',
  'nextUpdateDate',
  'nextUpdateTime',
  'audience',
] as const;

/** The saved text that was chosen; the first of the model where none of that id is. */
export function textOf({ holding }: OperatingModel, id: string | undefined): HoldingText {
  return holding.texts.find((text) => text.id === id) ?? holding.texts[0]!;
}

/** The fields as they come filled in. The usual audience is chosen where it is saved. */
export function holdingForm(
  model: OperatingModel,
  text: HoldingText,
  { audiences, now }: { audiences: readonly AudienceRow[]; now: Date },
): Form {
  const usual = audiences.find(({ name }) => name === model.holding.audience);
  return {
    text: text.id,
    what: text.what,
    doNow: text.doNow,
    notKnown: text.notKnown,
    ...nextUpdateWithin(model.holding.severity.nextUpdateWithinMs, now),
    audience: usual?.id ?? '',
  };
}

/** What was typed as a whole draft, or the errors of its four fields. */
export function parseHolding(
  form: Form,
  model: OperatingModel,
  audiences: readonly AudienceRow[],
): Outcome<Draft> {
  const typed = (name: (typeof holdingFields)[number]) => many(form[name])[0] ?? '';
  const { severity, marking } = model.holding;
  const wording = parseWording(
    {
      title: textOf(model, typed('text')).title,
      severity: severity.id,
      marking,
      what: typed('what'),
      doNow: typed('doNow'),
      ifActed: '',
      clearLine: '',
      notKnown: typed('notKnown'),
      nextUpdateDate: typed('nextUpdateDate'),
      nextUpdateTime: typed('nextUpdateTime'),
      body: '',
      ownText: '',
      asksAgain: '',
    },
    model,
    instantOf,
  );
  const audience = audienceOf(typed('audience'), audiences);
  if (wording.ok && audience !== undefined)
    return ok({ wording: { ...wording.value, content: noContent, readerWords: {} }, audience });
  return refused('invalid', 'There is a problem with what was entered', {
    ...(wording.ok ? {} : wording.fields),
    ...(audience === undefined && { audience: 'Choose who is told' }),
  });
}

/** A saved audience by its id, or all who must answer. */
function audienceOf(id: string, audiences: readonly AudienceRow[]): AskedQuestion | undefined {
  if (id === '') return { ...everybody, mustAnswerOnly: true };
  const saved = audiences.find((one) => one.id === id);
  const { version } = saved ?? {};
  if (version === undefined) return undefined;
  return { ...everybody, audiences: [{ how: 'and', id, version }] };
}

/**
 * Writes and submits it at once; a refusal leaves nothing. `id` is that of the form: pressed twice
 * it is one alert.
 */
export async function submitHolding(
  tx: Tx,
  context: AlertContext,
  holding: { readonly id: string; readonly draft: Draft; readonly now: Date },
): Promise<Outcome<void>> {
  const { id, draft, now } = holding;
  const created = await createAlert(tx, context.model, { ...draft, id });
  if (!created.ok) return created;
  const version = await findVersion(tx, id);
  if (version?.state !== 'draft') return ok(undefined);
  const submitted = await submitAlert(tx, context, {
    alertId: id,
    revision: version.revision,
    now,
  });
  return submitted.ok ? ok(undefined) : submitted;
}

/** The page of the holding alert: a minute from the button to the submission. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import { listAudiences, type AudienceRow } from '#organisations/index.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  page,
  redirect,
  refusalStatus,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { holdingFields, holdingForm, parseHolding, submitHolding, textOf } from './holding.ts';
import { previewOf, type AlertRoutesContext } from './pages.ts';

const startQuery = z.object({ text: z.string().max(100).optional().catch(undefined) });

export function holdingRoutes(context: AlertRoutesContext): Route[] {
  const { database, model } = context;
  const audiencesFor = async (actor: Actor) => {
    const all = await database.withActor(actor, (tx) => listAudiences(tx));
    return all.filter(({ retiredAt }) => retiredAt === null);
  };
  return [
    page({
      method: 'GET',
      path: '/alerts/holding',
      access: 'alert.write',
      query: startQuery,
      async handle({ actor, query, now }) {
        const audiences = await audiencesFor(actor);
        const form = holdingForm(model, textOf(model, query.text), { audiences, now });
        return await holdingPage(context, actor, { form, audiences, now });
      },
    }),
    page({
      method: 'POST',
      path: '/alerts/holding',
      access: 'alert.write',
      async handle({ actor, form, now }) {
        const audiences = await audiencesFor(actor);
        const draft = parseHolding(form, model, audiences);
        if (!draft.ok)
          return await holdingPage(context, actor, { form, audiences, now, refused: draft });
        const id = formIdOf(form);
        const done = await database.attempt(actor, (tx) =>
          submitHolding(tx, context, { id, draft: draft.value, now }),
        );
        if (!done.ok)
          return await holdingPage(context, actor, { form, audiences, now, refused: done });
        const notice = 'Submitted. A second person has to approve it; nothing is sent yet.';
        return redirect(`/alerts/${id}`, { notice });
      },
    }),
    page({
      method: 'POST',
      path: '/alerts/holding/preview',
      access: 'alert.write',
      async handle({ actor, form, now }) {
        const draft = parseHolding(form, model, await audiencesFor(actor));
        const problems = draft.ok ? [] : Object.values(draft.fields);
        const preview = draft.ok
          ? await previewOf(context, actor, {
              draft: draft.value,
              kind: 'first',
              alertNumber: undefined,
              exercise: false,
              now,
            })
          : undefined;
        return view('alerts/preview-only.njk', { preview, problems });
      },
    }),
  ];
}

type Showing = {
  readonly form: Form;
  readonly audiences: readonly AudienceRow[];
  readonly now: Date;
  readonly refused?: Refused;
};

async function holdingPage(
  context: AlertRoutesContext,
  actor: Actor,
  { form, audiences, now, refused }: Showing,
): Promise<Reply> {
  const { model } = context;
  const draft = parseHolding(form, model, audiences);
  const preview = draft.ok
    ? await previewOf(context, actor, {
        draft: draft.value,
        kind: 'first',
        alertNumber: undefined,
        exercise: false,
        now,
      })
    : undefined;
  const errors = refused === undefined ? {} : besideFields(errorsAt('', refused));
  return view(
    'alerts/holding.njk',
    {
      form: formModel(holdingFields, form, errors),
      formId: formIdOf(form),
      holding: model.holding,
      chosen: textOf(model, formModel(holdingFields, form).values['text']),
      audiences,
      preview,
      problems: [],
    },
    refused === undefined ? {} : { status: refusalStatus(refused.kind).status },
  );
}

/** What is wrong with the text as a whole is mended in one of the two fields that make it. */
function besideFields({ ownText, ...errors }: Readonly<Record<string, string>>) {
  return ownText === undefined ? errors : { doNow: ownText, ...errors };
}

/** Saved audiences: the list, making and changing them with a live count, retiring. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import type { Database } from '#db/database.ts';
import {
  countIn,
  errorsAt,
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import {
  bringBackAudience,
  changeAudience,
  resolveQuestion,
  retireAudience,
  saveAudience,
} from './audiences.ts';
import {
  audienceFormFields,
  parseAudienceForm,
  parseQuestionForm,
  questionAsFields,
  readChoices,
  readNames,
} from './form-audience.ts';
import { questionInWords } from './audience-words.ts';
import { everybody, type AudienceRules } from '../model.ts';
import { previewAudience } from './preview.ts';
import { findAudience, listAudiences, type AudienceRow } from './store-saved.ts';

export type AudienceRoutesContext = {
  readonly database: Database;
  readonly model: AudienceRules;
};

export const idParams = z.object({ id: z.uuid() });

export function audienceRoutes(context: AudienceRoutesContext): Route[] {
  return [listRoute(context), ...newRoutes(context), ...changeRoutes(context), ...acts(context)];
}

function listRoute({ database, model }: AudienceRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/audiences',
    access: 'directory.read',
    handle: async ({ actor }) =>
      await database.withActor(actor, async (tx) => {
        const names = await readNames(tx, model);
        const audiences = (await listAudiences(tx)).map((one) => ({
          ...one,
          says: questionInWords(one.question, names),
        }));
        return view('organisations/audiences.njk', {
          audiences: audiences.filter(({ retiredAt }) => retiredAt === null),
          retired: audiences.filter(({ retiredAt }) => retiredAt !== null),
          mayWrite: may(actor, 'directory.write'),
        });
      }),
  });
}

/** "Make an audience of it": what a page of suppliers or tags asks for. */
const startQuery = z.object({
  supplier: z.string().optional().catch(undefined),
  product: z.string().optional().catch(undefined),
  tag: z.string().optional().catch(undefined),
  parent: z.string().optional().catch(undefined),
});

type StartedFrom = Readonly<Record<'used' | 'tag' | 'parent', string | undefined>>;

function nameFrom({ used, tag, parent }: StartedFrom): string {
  if (used !== undefined) return `Users of ${used}`;
  return tag ?? (parent === undefined ? '' : `All below ${parent}`);
}

function newRoutes(context: AudienceRoutesContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/audiences/new',
      access: 'directory.write',
      query: startQuery,
      async handle({ actor, query: { supplier, product, tag, parent } }) {
        const fields: Form = {
          name: nameFrom({ used: product ?? supplier, tag, parent }),
          ...questionAsFields({
            ...everybody,
            suppliers: supplier === undefined ? [] : [supplier],
            products: product === undefined ? [] : [product],
            tags: tag === undefined ? [] : [tag],
            parents: parent === undefined ? [] : [parent],
          }),
        };
        return await form(context, actor, { fields });
      },
    }),
    page({
      method: 'POST',
      path: '/audiences/new',
      access: 'directory.write',
      async handle({ actor, form: fields, now }) {
        if (isCounting(fields)) return await form(context, actor, { fields });
        const typed = parseAudienceForm(fields, model);
        if (!typed.ok) return await form(context, actor, { fields, refused: typed });
        const id = formIdOf(fields);
        const saved = await database.attempt(actor, (tx) =>
          saveAudience(tx, { ...typed.value, id, now }),
        );
        if (!saved.ok) return await form(context, actor, { fields, refused: saved });
        return redirect(`/audiences/${id}`, { notice: 'Audience saved.' });
      },
    }),
    page({
      method: 'POST',
      path: '/audiences/preview',
      access: 'directory.read',
      handle: async ({ actor, form: fields }) =>
        view('organisations/audience-count-only.njk', await counted(context, actor, fields)),
    }),
  ];
}

function changeRoutes(context: AudienceRoutesContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/audiences/:id/edit',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params }) {
        const audience = await database.withActor(actor, (tx) => findAudience(tx, params.id));
        if (audience === undefined) return notFound();
        const fields = { name: audience.name, ...questionAsFields(audience.question) };
        return await form(context, actor, { fields, audience });
      },
    }),
    page({
      method: 'POST',
      path: '/audiences/:id/edit',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, form: fields, now }) {
        const audience = await database.withActor(actor, (tx) => findAudience(tx, id));
        if (audience === undefined) return notFound();
        if (isCounting(fields)) return await form(context, actor, { fields, audience });
        const typed = parseAudienceForm(fields, model);
        if (!typed.ok) return await form(context, actor, { fields, audience, refused: typed });
        const version = countIn(fields, 'version');
        const changed = await database.attempt(actor, (tx) =>
          changeAudience(tx, { ...typed.value, id, version, now }),
        );
        if (!changed.ok) return await form(context, actor, { fields, audience, refused: changed });
        const { version: number } = changed.value;
        return redirect(`/audiences/${id}`, { notice: `Saved. Version ${number} is in use.` });
      },
    }),
  ];
}

/** The button that counts where no script does. */
function isCounting(fields: Form): boolean {
  return many(fields['next'])[0] === 'count';
}

function acts({ database }: AudienceRoutesContext): Route[] {
  return [
    page({
      method: 'POST',
      path: '/audiences/:id/retire',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, now }) {
        const done = await database.attempt(actor, (tx) => retireAudience(tx, id, now));
        if (!done.ok) return refusedPage(done);
        return redirect(`/audiences/${id}`, { notice: 'Retired. It is offered no more.' });
      },
    }),
    page({
      method: 'POST',
      path: '/audiences/:id/bring-back',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id } }) {
        const done = await database.attempt(actor, (tx) => bringBackAudience(tx, id));
        if (!done.ok) return refusedPage(done);
        return redirect(`/audiences/${id}`, { notice: 'Brought back. It is offered again.' });
      },
    }),
  ];
}

/** Whom the typed question means, or why that cannot be counted. */
async function counted({ database, model }: AudienceRoutesContext, actor: Actor, fields: Form) {
  const asked = parseQuestionForm(fields, model);
  const outcome = asked.ok
    ? await database.attempt(actor, async (tx) => {
        const question = await resolveQuestion(tx, asked.value);
        if (!question.ok) return question;
        return { ok: true as const, value: await previewAudience(tx, question.value) };
      })
    : asked;
  if (outcome.ok) return { counts: outcome.value, problems: [] };
  return { counts: undefined, problems: Object.values(outcome.fields) };
}

type Filling = {
  readonly fields: Form;
  readonly audience?: AudienceRow;
  readonly refused?: Refused;
};

async function form(
  context: AudienceRoutesContext,
  actor: Actor,
  { fields, audience, refused }: Filling,
): Promise<Reply> {
  const { database, model } = context;
  const choices = await database.withActor(actor, (tx) => readChoices(tx, fields));
  const isConflict = refused?.kind === 'conflict';
  return view(
    'organisations/audience-form.njk',
    {
      form: formModel(audienceFormFields, fields, refused && errorsAt('', refused)),
      formId: audience === undefined ? formIdOf(fields) : '',
      audience,
      // After a conflict the newer version is offered, so that saving again is a decision.
      version:
        isConflict || many(fields['version']).length === 0
          ? (audience?.version ?? 1)
          : many(fields['version'])[0],
      choices: {
        ...choices,
        // An audience is never a part of itself.
        audiences: choices.audiences.filter(({ value }) => !value.startsWith(audience?.id ?? ' ')),
      },
      model,
      ...(await counted(context, actor, fields)),
    },
    refused === undefined ? {} : { status: isConflict ? 409 : 422 },
  );
}

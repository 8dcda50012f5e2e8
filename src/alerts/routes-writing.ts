/** Writing an alert: the list, the composer with its preview, and saving. */
import { may, type Actor } from '#kernel/actor.ts';
import { markings } from '#kernel/marking.ts';
import type { Refused } from '#kernel/outcome.ts';
import {
  listRegions,
  listSystems,
  listUnknownCodes,
  unknownCodeErrors,
  type AudienceQuestion,
} from '#organisations/index.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { createAlert, saveDraft } from './draft.ts';
import {
  blankFields,
  checkNextUpdate,
  composerFields,
  fieldsOf,
  nextUpdateWithin,
  parseAudience,
  parseDraft,
} from './form.ts';
import { idParams, previewOf, type AlertRoutesContext } from './pages.ts';
import { findVersion, listVersions, type VersionRow } from './store.ts';

const LIST_MAX = 200;

/** List, composer and preview. */
export function writingRoutes(context: AlertRoutesContext): Route[] {
  return [...listAndNewRoutes(context), ...editingRoutes(context)];
}

function listAndNewRoutes(context: AlertRoutesContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts',
      access: 'alert.read',
      async handle({ actor }) {
        const versions = await database.withActor(actor, (tx) => listVersions(tx, LIST_MAX));
        const severities = Object.fromEntries(model.severities.map(({ id, label }) => [id, label]));
        return view('alerts/list.njk', {
          versions,
          severities,
          mayWrite: may(actor, 'alert.write'),
        });
      },
    }),
    page({
      method: 'GET',
      path: '/alerts/new',
      access: 'alert.write',
      handle: async ({ actor, now }) =>
        await composer(context, actor, { fields: blankFields(model, now), now }),
    }),
    page({
      method: 'POST',
      path: '/alerts/new',
      access: 'alert.write',
      async handle({ actor, form, now }) {
        const draft = parseDraft(form, model);
        const wrong = draft.ok ? checkNextUpdate(draft.value, now) : draft;
        if (!draft.ok || wrong !== undefined)
          return await composer(context, actor, { fields: form, refused: wrong, now });
        const id = formIdOf(form);
        const created = await database.attempt(actor, (tx) =>
          createAlert(tx, model, { ...draft.value, id }),
        );
        if (created.ok) return afterSave(id, form);
        const version = await database.withActor(actor, (tx) => findVersion(tx, id));
        return await composer(context, actor, {
          fields: form,
          refused: created,
          now,
          ...(version !== undefined && { version }),
        });
      },
    }),
  ];
}

function editingRoutes(context: AlertRoutesContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/edit',
      access: 'alert.write',
      params: idParams,
      async handle({ actor, params, now }) {
        const version = await database.withActor(actor, (tx) => findVersion(tx, params.id));
        if (version === undefined) return notFound();
        if (version.state !== 'draft') return redirect(`/alerts/${params.id}`);
        const fields = fieldsOf(version, version.audience as AudienceQuestion);
        return await composer(context, actor, { fields, version, now });
      },
    }),
    page({
      method: 'POST',
      path: '/alerts/:id/edit',
      access: 'alert.write',
      params: idParams,
      async handle({ actor, params, form, now }) {
        const version = await database.withActor(actor, (tx) => findVersion(tx, params.id));
        if (version === undefined) return notFound();
        const draft = parseDraft(form, model);
        const wrong = draft.ok ? checkNextUpdate(draft.value, now) : draft;
        if (!draft.ok || wrong !== undefined)
          return await composer(context, actor, { fields: form, version, refused: wrong, now });
        const revision = Number(many(form['revision'])[0]);
        const saved = await database.attempt(actor, (tx) =>
          saveDraft(tx, { ...draft.value, alertId: params.id, revision }),
        );
        if (!saved.ok)
          return await composer(context, actor, { fields: form, version, refused: saved, now });
        return afterSave(params.id, form);
      },
    }),
    page({
      method: 'POST',
      path: '/alerts/preview',
      access: 'alert.write',
      async handle({ actor, form, now }) {
        const draft = parseDraft(form, model);
        const number = many(form['alertNumber'])[0];
        const alertNumber = number === undefined ? undefined : Number(number);
        const preview = draft.ok
          ? await previewOf(context, actor, { draft: draft.value, alertNumber, now })
          : undefined;
        const problems = draft.ok ? [] : Object.values(draft.fields);
        return view('alerts/preview-only.njk', { preview, problems });
      },
    }),
  ];
}

/** `next=check` goes on to the page before submission; anything else stays with the draft. */
function afterSave(id: string, form: Form): Reply {
  if (many(form['next'])[0] === 'check') return redirect(`/alerts/${id}`);
  return redirect(`/alerts/${id}/edit`, { notice: 'Draft saved.' });
}

type Composing = {
  readonly fields: Form;
  readonly version?: VersionRow;
  readonly refused?: Refused | undefined;
  readonly now: Date;
};

async function composer(
  context: AlertRoutesContext,
  actor: Actor,
  { fields, version, refused, now }: Composing,
): Promise<Reply> {
  const { database, model } = context;
  const draft = parseDraft(fields, model);
  const alertNumber = version?.alertNumber;
  const preview = draft.ok
    ? await previewOf(context, actor, { draft: draft.value, alertNumber, now })
    : undefined;
  const audience = parseAudience(fields, model);
  const { unknown, ...places } = await database.withActor(actor, async (tx) => ({
    regions: await listRegions(tx),
    systems: await listSystems(tx),
    unknown: audience.ok ? await listUnknownCodes(tx, audience.value) : [],
  }));
  // Whatever was refused, unknown codes are said with it, so that nobody has to save three times.
  const errors =
    refused === undefined ? {} : { ...errorsAt('', refused), ...unknownCodeErrors(unknown) };
  return view(
    'alerts/composer.njk',
    {
      form: formModel(composerFields, fields, errors),
      // After a conflict the newer revision is offered, so that saving again is a decision; after a
      // slip of the pen the old one stays, or what somebody else saved meanwhile would be lost.
      revision:
        (refused?.kind === 'invalid' ? many(fields['revision'])[0] : version?.revision) ?? 0,
      formId: version === undefined ? formIdOf(fields) : '',
      alertId: version?.alertId,
      alertNumber,
      isCorrection: (version?.number ?? 1) > 1,
      savedAt: version?.updatedAt,
      saved: refused?.kind === 'conflict' ? version : undefined,
      preview,
      problems: [],
      model,
      nextUpdates: Object.fromEntries(
        model.severities.map(({ id, nextUpdateWithinMs }) => [
          id,
          nextUpdateWithin(nextUpdateWithinMs, now),
        ]),
      ),
      markings,
      ...places,
    },
    refused === undefined ? {} : { status: refused.kind === 'conflict' ? 409 : 422 },
  );
}

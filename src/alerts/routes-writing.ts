/** Writing an alert: the list, the composer with its preview, and saving. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { findAudience, type AudienceQuestion } from '#organisations/index.ts';
import {
  formIdOf,
  countIn,
  many,
  notFound,
  page,
  redirect,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { saveAudienceOf } from './audience.ts';
import { composer } from './composer.ts';
import { createAlert, saveDraft } from './draft.ts';
import { countDrafts } from './drafts/store-drafts.ts';
import { blankFields, checkNextUpdate, fieldsOf, parseDraft, withProposal } from './form.ts';
import { fieldsFromEntry } from './kev/form.ts';
import { findEntries } from './kev/store.ts';
import { versionKinds, type VersionKind } from './model.ts';
import { movedNotice, withNextUpdate } from './next-update.ts';
import { idParams, previewOf, type AlertRoutesContext } from './pages.ts';
import { findVersion, listVersions } from './store.ts';

const LIST_MAX = 200;

/** Nothing is saved: the form comes back with the severity that its answers propose. */
const isProposed = true;

/** List, composer and preview. */
export function writingRoutes(context: AlertRoutesContext): Route[] {
  return [
    listRoute(context),
    ...newRoutes(context, { path: '/alerts/new', isExercise: false }),
    ...newRoutes(context, { path: '/alerts/new-exercise', isExercise: true }),
    ...editingRoutes(context),
  ];
}

/** To begin with: a saved `audience` as it is today, an entry of the `kev` by its CVE. */
const startQuery = z.object({
  audience: z.uuid().optional().catch(undefined),
  kev: z.string().max(30).optional().catch(undefined),
});

function listRoute({ database, model }: AlertRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/alerts',
    access: 'alert.read',
    async handle({ actor }) {
      const { versions, counts } = await database.withActor(actor, async (tx) => ({
        versions: await listVersions(tx, LIST_MAX),
        counts: await countDrafts(tx),
      }));
      const severities = Object.fromEntries(model.severities.map(({ id, label }) => [id, label]));
      return view('alerts/list.njk', {
        versions,
        counts,
        severities,
        mayWrite: may(actor, 'alert.write'),
      });
    },
  });
}

/** The entry of live alerts, and that of exercises: nothing on a form makes one of the other. */
function newRoutes(
  context: AlertRoutesContext,
  { path, isExercise }: { readonly path: `/${string}`; readonly isExercise: boolean },
): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path,
      access: 'alert.write',
      query: startQuery,
      async handle({ actor, query: { audience, kev }, now }) {
        const { found, entry } = await database.withActor(actor, async (tx) => ({
          found: audience === undefined ? undefined : await findAudience(tx, audience),
          entry: kev === undefined ? undefined : (await findEntries(tx, [kev]))[0],
        }));
        const fields = {
          ...blankFields(model, now),
          ...(entry && fieldsFromEntry(entry, model, now)),
          ...(found && { within: [`${found.id}@${found.version}`], mustAnswerOnly: '' }),
        };
        return await composer(context, actor, { fields, isExercise, now });
      },
    }),
    page({
      method: 'POST',
      path,
      access: 'alert.write',
      async handle({ actor, form: typed, now }) {
        const proposed = withProposal(typed, model);
        if (proposed)
          return await composer(context, actor, {
            fields: withNextUpdate(proposed, model, now),
            isProposed,
            isExercise,
            now,
          });
        const form = settled(typed, model, now);
        const draft = parseDraft(form, model);
        const wrong = draft.ok ? checkNextUpdate(draft.value, now) : draft;
        if (!draft.ok || wrong !== undefined)
          return await composer(context, actor, {
            fields: form,
            refused: wrong,
            isExercise,
            now,
          });
        const id = formIdOf(form);
        const created = await database.attempt(actor, async (tx) => {
          const asked = await saveAudienceOf(tx, { form, draft: draft.value, now });
          return asked.ok
            ? await createAlert(tx, model, { ...asked.value, id, exercise: isExercise })
            : asked;
        });
        if (created.ok) return await afterSave(context, actor, { id, form, typed });
        const version = await database.withActor(actor, (tx) => findVersion(tx, id));
        return await composer(context, actor, {
          fields: form,
          refused: created,
          isExercise,
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
      async handle({ actor, params, form: typed, now }) {
        const version = await database.withActor(actor, (tx) => findVersion(tx, params.id));
        if (version === undefined) return notFound();
        const proposed = withProposal(typed, model);
        if (proposed) {
          const fields = withNextUpdate(proposed, model, now);
          return await composer(context, actor, { fields, version, isProposed, now });
        }
        const form = settled(typed, model, now);
        const draft = parseDraft(form, model);
        const wrong = draft.ok ? checkNextUpdate(draft.value, now) : draft;
        if (!draft.ok || wrong !== undefined)
          return await composer(context, actor, { fields: form, version, refused: wrong, now });
        const revision = countIn(form, 'revision');
        const saved = await database.attempt(actor, async (tx) => {
          const asked = await saveAudienceOf(tx, { form, draft: draft.value, now });
          if (!asked.ok) return asked;
          return await saveDraft(tx, { ...asked.value, alertId: params.id, revision });
        });
        if (!saved.ok)
          return await composer(context, actor, { fields: form, version, refused: saved, now });
        return await afterSave(context, actor, { id: params.id, form, typed });
      },
    }),
    page({
      method: 'POST',
      path: '/alerts/preview',
      access: 'alert.write',
      async handle({ actor, form, now }) {
        const draft = parseDraft(form, model);
        const number = countIn(form, 'alertNumber');
        const alertNumber = number < 0 ? undefined : number;
        const kind = kindOf(form);
        const exercise = many(form['exercise'])[0] === 'yes';
        const preview = draft.ok
          ? await previewOf(context, actor, {
              draft: draft.value,
              kind,
              alertNumber,
              exercise,
              now,
            })
          : undefined;
        const problems = draft.ok ? [] : Object.values(draft.fields);
        return view('alerts/preview-only.njk', { preview, problems });
      },
    }),
  ];
}

/** A save by itself keeps what is typed: the form that goes on with it shows that. */
function settled(typed: Form, model: OperatingModel, now: Date): Form {
  return many(typed['next'])[0] === 'autosave' ? typed : withNextUpdate(typed, model, now);
}

/**
 * `next` goes on to the page before submission, to the dry run or to its rehearsal, or is
 * `autosave`, which stays where it is and has to know the revision; else it stays with the draft.
 */
async function afterSave(
  { database, model }: AlertRoutesContext,
  actor: Actor,
  { id, form, typed }: { readonly id: string; readonly form: Form; readonly typed: Form },
): Promise<Reply> {
  const next = many(form['next'])[0];
  const moved = movedNotice(typed, form, model);
  const told = moved === undefined ? {} : { notice: moved };
  if (next === 'check') return redirect(`/alerts/${id}`, told);
  if (next === 'dry-run') return redirect(`/alerts/${id}/dry-run`, told);
  if (next === 'what-if') return redirect(`/what-if?alert=${id}`, told);
  if (next !== 'autosave')
    return redirect(`/alerts/${id}/edit`, {
      notice: ['Draft saved.', ...(moved === undefined ? [] : [moved])].join(' '),
    });
  const version = await database.withActor(actor, (tx) => findVersion(tx, id));
  if (version === undefined) return notFound();
  const { revision, updatedAt: savedAt } = version;
  return view('alerts/draft-saved.njk', { alertId: id, revision, savedAt });
}

/** Of which kind the version is that a form previews; it decides nothing. */
function kindOf(form: Form): VersionKind {
  const kind = many(form['kind'])[0] ?? '';
  return Object.hasOwn(versionKinds, kind) ? (kind as VersionKind) : 'first';
}

/** What an alert said, version by version, and what each changed. */
import { readsWords, type Actor } from '#kernel/actor.ts';
import { severityById } from '#operating-model/index.ts';
import { notFound, page, view, type Reply, type Route } from '#web/index.ts';
import { changesOf } from './changes.ts';
import { renderMarkdown } from './markdown.ts';
import { idParams, type AlertRoutesContext } from './pages.ts';
import { sectionsOfVersion } from './sections.ts';
import { findVersion, listReleased } from './store.ts';

export function versionsRoutes(context: AlertRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/versions',
      access: 'alert.read',
      params: idParams,
      handle: async ({ actor, params }) => await showVersions(context, actor, params.id),
    }),
  ];
}

async function showVersions(
  context: AlertRoutesContext,
  actor: Actor,
  alertId: string,
): Promise<Reply> {
  const { newest, released } = await context.database.withActor(actor, async (tx) => ({
    newest: await findVersion(tx, alertId),
    released: await listReleased(tx, alertId),
  }));
  if (newest === undefined) return notFound();
  const { model } = context;
  return view('alerts/versions.njk', {
    alertId,
    alertNumber: newest.alertNumber,
    isExercise: newest.exercise,
    isWorked: newest.state === 'draft' || newest.state === 'submitted',
    versions: released.map((version, i) => {
      const before = released[i + 1];
      const isOpen = readsWords(actor, version.marking);
      const isCompared = isOpen && before !== undefined && readsWords(actor, before.marking);
      return {
        ...version,
        severityLabel: severityById(model, version.severity)?.label ?? version.severity,
        isOpen,
        sections: isOpen ? sectionsOfVersion(version, context) : [],
        bodyHtml: renderMarkdown(version.body),
        follows: isCompared ? before.number : undefined,
        changes: isCompared ? changesOf(before, version, context) : [],
      };
    }),
  });
}

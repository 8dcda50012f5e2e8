/** Drafts that lie about: one list, the own ones given up together after a second look. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import { isUuid } from '#kernel/ids.ts';
import {
  many,
  page,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { idParams, type AlertRoutesContext } from '#alerts/pages.ts';
import { giveUpDrafts, takeUpDraft, type ChosenDraft } from './give-up.ts';
import { listDrafts, listGivenUp } from './store-drafts.ts';

/** Drafts that are to be looked at once more before they are given up. */
const askedQuery = z.object({
  draft: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
});

const DRAFTS_MAX = 200;
const GIVEN_UP_MAX = 20;

export function draftRoutes(context: AlertRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts/drafts',
      access: 'alert.read',
      query: askedQuery,
      handle: async ({ actor, query: { draft } }) => await showDrafts(context, actor, many(draft)),
    }),
    page({
      method: 'POST',
      path: '/alerts/drafts',
      access: 'alert.write',
      async handle({ actor, form }) {
        const chosen = chosenIn(form);
        const done = await database.attempt(actor, (tx) => giveUpDrafts(tx, chosen));
        if (!done.ok) return refusedPage(done);
        return redirect('/alerts/drafts', { notice: noticeOf(done.value.givenUp, chosen.length) });
      },
    }),
    page({
      method: 'POST',
      path: '/alerts/:id/take-up',
      access: 'alert.write',
      params: idParams,
      async handle({ actor, params: { id } }) {
        const done = await database.attempt(actor, (tx) => takeUpDraft(tx, id));
        if (!done.ok) return refusedPage(done);
        return redirect(`/alerts/${id}/edit`, { notice: 'It is a draft again, as it was.' });
      },
    }),
  ];
}

async function showDrafts(
  { database }: AlertRoutesContext,
  actor: Actor,
  asked: readonly string[],
): Promise<Reply> {
  const { drafts, givenUp } = await database.withActor(actor, async (tx) => ({
    drafts: await listDrafts(tx, DRAFTS_MAX),
    givenUp: await listGivenUp(tx, GIVEN_UP_MAX),
  }));
  const own = drafts.filter(({ isOwn }) => isOwn);
  return view('alerts/drafts.njk', {
    asked: own.filter(({ alertId }) => asked.includes(alertId)),
    own,
    others: drafts.filter(({ isOwn }) => !isOwn),
    givenUp,
    mayWrite: may(actor, 'alert.write'),
  });
}

/** Each with the revision at which it was looked at: what changes meanwhile stays. */
function chosenIn(form: Form): ChosenDraft[] {
  return many(form['draft']).flatMap((value) => {
    const [alertId = '', revision = ''] = value.split('@');
    return isUuid(alertId) && /^\d{1,9}$/.test(revision)
      ? [{ alertId, revision: Number(revision) }]
      : [];
  });
}

function noticeOf(givenUp: number, chosen: number): string {
  const done = givenUp === 1 ? 'One draft was given up.' : `${givenUp} drafts were given up.`;
  const stayed = chosen - givenUp;
  if (stayed === 0) return done;
  return `${done} ${stayed} changed meanwhile, and stayed.`;
}

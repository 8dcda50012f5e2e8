/** Letting a holding alert go with one person, and somebody else's look at it: two pages. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import {
  errorsAt,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { readApproval } from '#alerts/approval.ts';
import { idParams, type AlertRoutesContext } from '#alerts/pages.ts';
import { findSubmission } from '#alerts/store-submission.ts';
import { findVersion } from '#alerts/store.ts';
import { releaseAlone, reviewAlone, standingAlone, whyNotReview } from './alone.ts';
import { findAlone } from './store-alone.ts';

const finding = z.enum(['right', 'wrong']);

type Showing = { readonly id: string; readonly form?: Form; readonly refused?: Refused };

export function aloneRoutes(context: AlertRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/alone',
      access: 'alert.write',
      params: idParams,
      handle: async ({ actor, params: { id }, now }) =>
        await showAlone(context, actor, { id, now }),
    }),
    page({
      method: 'POST',
      path: '/alerts/:id/alone',
      access: 'alert.write',
      params: idParams,
      async handle({ actor, params: { id }, form, now }) {
        const typed = many(form['organisations'])[0]?.replaceAll(/[\s,]/g, '') ?? '';
        const done = await database.attempt(actor, (tx) =>
          releaseAlone(tx, context, {
            alertId: id,
            hash: many(form['hash'])[0] ?? '',
            organisations: /^\d{1,9}$/.test(typed) ? Number(typed) : -1,
            now,
          }),
        );
        const notice = 'It leaves now. All officers are told, and somebody else looks at it.';
        if (done.ok) return redirect(`/alerts/${id}/board`, { notice });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await showAlone(context, actor, { id, form, refused: done, now });
      },
    }),
    page({
      method: 'GET',
      path: '/alerts/:id/review',
      access: 'alert.read',
      params: idParams,
      handle: async ({ actor, params: { id } }) => await showReview(context, actor, { id }),
    }),
    page({
      method: 'POST',
      path: '/alerts/:id/review',
      access: 'alert.approve',
      params: idParams,
      async handle({ actor, params: { id }, form }) {
        const found = finding.safeParse(many(form['finding'])[0]);
        if (!found.success)
          return await showReview(context, actor, { id, form, refused: chooseOne });
        const remark = many(form['remark'])[0] ?? '';
        const done = await database.attempt(actor, (tx) =>
          reviewAlone(tx, { alertId: id, finding: found.data, remark }),
        );
        const notice = 'Written down. Nothing is owed on it any more.';
        if (done.ok) return redirect(`/alerts/${id}/review`, { notice });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await showReview(context, actor, { id, form, refused: done });
      },
    }),
  ];
}

const chooseOne: Refused = {
  ok: false,
  kind: 'invalid',
  message: 'Put right what is marked below.',
  fields: { finding: 'Say whether it was right to let it go' },
};

function statusOf(refused: Refused | undefined) {
  return refused === undefined ? {} : { status: refusalStatus(refused.kind).status };
}

async function showAlone(
  context: AlertRoutesContext,
  actor: Actor,
  { id, form, refused, now }: Showing & { readonly now: Date },
): Promise<Reply> {
  const found = await context.database.withActor(actor, async (tx) => {
    const version = await findVersion(tx, id);
    const submission = version && (await findSubmission(tx, version.id));
    if (version?.state !== 'submitted' || submission?.state !== 'waiting') return undefined;
    const approval = await readApproval(tx, context, { version, submission, now });
    return { version, submission, approval, alone: await standingAlone(tx, context, version) };
  });
  if (found === undefined) return notFound();
  const errors = refused && errorsAt('organisations', refused);
  return view(
    'alerts/alone.njk',
    {
      ...found,
      reviewWithinMs: context.model.promises.review.withinMs,
      withinMs: context.model.holding.alone?.withinMs ?? 0,
      form: formModel(['organisations'], form, errors),
    },
    statusOf(refused),
  );
}

async function showReview(
  { database }: AlertRoutesContext,
  actor: Actor,
  { id, form, refused }: Showing,
): Promise<Reply> {
  const found = await database.withActor(actor, async (tx) => {
    const alone = await findAlone(tx, id);
    return alone && { alone, barred: await whyNotReview(tx, alone) };
  });
  if (found === undefined) return notFound();
  const errors = refused && errorsAt('remark', refused);
  const shown = { ...found, form: formModel(['finding', 'remark'], form, errors) };
  return view('alerts/review.njk', shown, statusOf(refused));
}

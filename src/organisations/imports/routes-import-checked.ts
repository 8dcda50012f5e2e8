/** A checked or imported file by page, and asking a second person to agree to a large one. */
import { z } from 'zod';
import { actorId, type Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  many,
  page,
  redirect,
  refusalStatus,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { findProposed, proposeRun } from './change-import.ts';
import { refusedRunPage } from './import-form-page.ts';
import { findOwnRun, type OwnRun } from './import-run.ts';
import type { RowOutcome } from '../model.ts';
import type { OrganisationRoutesContext } from '../routes-context.ts';
import { listRows } from './store-run.ts';
import { takesTwo } from './two-persons.ts';
import { checkedModel, ROWS_SHOWN, secondModel, shownOutcome } from './view-import.ts';

const idParams = z.object({ id: z.uuid() });

type Looking = {
  readonly now: Date;
  readonly show?: RowOutcome | undefined;
  readonly after?: readonly [number] | undefined;
  /** Of asking a second person. */
  readonly failed?: { readonly form: Form; readonly why: Refused };
};

/** A page of its rows, and what may be done with it. */
export async function checkedPage(
  { database, model }: OrganisationRoutesContext,
  actor: Actor,
  run: OwnRun,
  { now, show, after, failed }: Looking,
): Promise<Reply> {
  const isMine = run.uploadedBy === actorId(actor);
  const outcome = show ?? shownOutcome(run, isMine);
  const [line = 0] = after ?? [];
  const { counts } = run.result!;
  const { rows, takes, proposed } = await database.withActor(actor, async (tx) => ({
    rows: await listRows(tx, run.id, { outcomes: [outcome], after: line, limit: ROWS_SHOWN + 1 }),
    takes: run.state === 'checked' && (await takesTwo(tx, { counts, rules: model, now })),
    proposed: await findProposed(tx, run),
  }));
  const second = { ...secondModel(proposed, now), takes, isMine };
  return view(
    'organisations/checked.njk',
    {
      ...checkedModel(run, { outcome, rows }),
      second,
      aloneADay: model.importedAloneADay,
      formId: formIdOf(failed?.form ?? {}),
      form: formModel(['reason'], failed?.form ?? {}, failed && errorsAt('reason', failed.why)),
    },
    failed === undefined ? {} : { status: refusalStatus(failed.why.kind).status },
  );
}

/** Asks a second person to agree to a file that is too large for one. */
export function proposeRoute(context: OrganisationRoutesContext): Route {
  const { database, secrets } = context;
  return page({
    method: 'POST',
    path: '/organisations/import/:id/propose',
    access: 'directory.write',
    params: idParams,
    async handle({ actor, params: { id }, form, now }) {
      const asked = {
        changeId: formIdOf(form),
        goodRowsOnly: isGoodRowsOnly(form),
        reason: many(form['reason'])[0] ?? '',
        now,
      };
      const done = await database.attempt(actor, (tx) => proposeRun(tx, id, asked));
      if (done.ok) return redirect(`/organisations/import/${id}`, { notice: PROPOSED });
      const run = await database.withActor(actor, (tx) => findOwnRun(tx, id, { secrets, now }));
      if (done.kind !== 'invalid' || run?.state !== 'checked') return refusedRunPage(done);
      return await checkedPage(context, actor, run, { now, failed: { form, why: done } });
    },
  });
}

const PROPOSED = 'Proposed. Nothing is imported before a second person agrees.';

export function isGoodRowsOnly(form: Form): boolean {
  return many(form['refusals'])[0] === 'leave_out';
}

/** What waits at the duty desk: one organisation's calls and words, and who deals with them. */
import { z } from 'zod';
import { actorId, mayIn, type Actor } from '#kernel/actor.ts';
import { isUuid } from '#kernel/ids.ts';
import { refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { listHolders, type HolderRow } from '#identity/index.ts';
import { becauseCallBack, type OperatingModel } from '#operating-model/index.ts';
import { findOrganisation, recordListView, type OrganisationDetail } from '#organisations/index.ts';
import {
  clockTime,
  errorsAt,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusalStatus,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { listAskers } from './asker.ts';
import type { ResponseRoutesContext } from './context.ts';
import { listDeskSteps } from './desk-history.ts';
import { claimItem, closeItem, handOverItem, promiseCall, releaseItem } from './desk.ts';
import { callBackMinutes, otherHolder } from './desk-model.ts';
import { readReply } from './model.ts';
import { findDeskItem, listOfSameNumber, listTogether, type DeskItemRow } from './store-desk.ts';
import { listNamesOfCodes } from './store-read.ts';

const params = z.object({ id: z.uuid() });

export function deskRoutes(context: ResponseRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/desk/:id',
      access: 'alert.read',
      params,
      handle: async ({ actor, params: { id }, now }) =>
        await showDeskItem(context, { actor, id, now }),
    }),
    ...claimRoutes(context),
    ...keepRoutes(context),
  ];
}

type Acting = { readonly actor: Actor; readonly id: string; readonly form: Form };

/** A button or a form on the page of an item: does it, then on with a word, or back with the reason. */
function actRoute(
  context: ResponseRoutesContext,
  name: string,
  then: { readonly to?: (id: string) => string; readonly notice?: string },
  verb: (tx: Tx, acting: Acting) => Promise<Outcome<void>>,
): Route {
  return page({
    method: 'POST',
    path: `/desk/:id/${name}`,
    access: 'response.record',
    params,
    async handle({ actor, params: { id }, form, now }) {
      const done = await context.database.attempt(actor, (tx) => verb(tx, { actor, id, form }));
      if (!done.ok)
        return await showDeskItem(context, { actor, id, now, failed: { form, refused: done } });
      const { to = (item: string) => `/desk/${item}`, notice } = then;
      return redirect(to(id), notice === undefined ? {} : { notice });
    },
  });
}

const toDesk = () => '/';

function claimRoutes(context: ResponseRoutesContext): Route[] {
  const { model } = context;
  return [
    actRoute(context, 'claim', {}, (tx, { id }) => claimItem(tx, id, model)),
    actRoute(context, 'release', { to: toDesk, notice: 'Given back to everybody.' }, (tx, { id }) =>
      releaseItem(tx, id),
    ),
    actRoute(context, 'close', { to: toDesk, notice: 'Done and written down.' }, (tx, acting) =>
      closeItem(tx, acting.id, {
        outcome: oneOf(acting.form, 'outcome'),
        others: many(acting.form['others']).filter(isUuid),
      }),
    ),
  ];
}

function keepRoutes(context: ResponseRoutesContext): Route[] {
  const { model } = context;
  return [
    actRoute(context, 'promise', { notice: 'Written down.' }, (tx, { id, form }) => {
      const inMinutes = callBackMinutes.find(
        (minutes) => String(minutes) === oneOf(form, 'inMinutes'),
      );
      if (inMinutes === undefined)
        return Promise.resolve(
          refused('invalid', 'Choose when.', { inMinutes: 'Choose when they expect the call' }),
        );
      return promiseCall(tx, id, { inMinutes, rules: model });
    }),
    actRoute(
      context,
      'hand-over',
      { to: toDesk, notice: 'Handed over. Tell them: nothing rings.' },
      async (tx, { actor, id, form }) => {
        const item = await findDeskItem(tx, id);
        const regionCode = item?.regionCode ?? null;
        const colleagues = await listColleagues(tx, model, { actor, regionCode });
        const to = colleagues.find((one) => one.id === oneOf(form, 'to'));
        if (to === undefined)
          return refused('invalid', 'Choose to whom.', { to: 'Choose who takes it' });
        return await handOverItem(tx, id, { to, rules: model });
      },
    ),
  ];
}

function oneOf(form: Form, field: string): string {
  return (many(form[field])[0] ?? '').trim();
}

/** Whoever else may work the desk for an organisation of this region. */
async function listColleagues(
  tx: Tx,
  model: OperatingModel,
  { actor, regionCode }: { readonly actor: Actor; readonly regionCode: string | null },
): Promise<HolderRow[]> {
  const holders = await listHolders(tx, model, 'response.record');
  return holders.filter(
    ({ id, regionCodes }) =>
      id !== actorId(actor) &&
      (regionCodes === null || (regionCode !== null && regionCodes.includes(regionCode))),
  );
}

/** The organisation with everybody on file there, masked: an entry of the audit. */
async function lookAt(tx: Tx, organisationId: string): Promise<OrganisationDetail | undefined> {
  const found = await findOrganisation(tx, organisationId);
  const contactIds = found?.contacts.map(({ id }) => id) ?? [];
  await recordListView(tx, { list: 'desk_item', contactIds, organisationId });
  return found;
}

const fields = ['outcome', 'inMinutes', 'to'];

async function showDeskItem(
  { database, openReply, model, ...opens }: ResponseRoutesContext,
  {
    actor,
    id,
    now,
    failed,
  }: {
    actor: Actor;
    id: string;
    now: Date;
    failed?: { form: Form; refused: Refused };
  },
): Promise<Reply> {
  return await database.withActor(actor, async (tx) => {
    const items = await listTogether(tx, id);
    const item = items.find((one) => one.id === id);
    const [first, ...rest] = items;
    if (item === undefined || first === undefined) return notFound();
    const { organisationId, regionCode } = item;
    const me = actorId(actor);
    const isMine = item.state === 'claimed' && item.claimedBy === me;
    const mayRecord = mayIn(actor, 'response.record', regionCode);
    const holder = otherHolder(items, me);
    const isField = Object.keys(failed?.refused.fields ?? {}).length > 0;
    const isOutcome = failed !== undefined && oneOf(failed.form, 'outcome') !== '';
    return view(
      'responses/desk-item.njk',
      {
        item,
        isExercise: item.exercise,
        items: await withMeaning(tx, items, openReply),
        askers: await listAskers(tx, [first, ...rest], isMine && mayRecord ? opens : undefined),
        organisation: organisationId === null ? undefined : await lookAt(tx, organisationId),
        ofSameNumber: await listOfSameNumber(tx, id),
        steps: await listDeskSteps(tx, id),
        roles: model.contactRoles,
        callBack: becauseCallBack(model),
        isMine,
        holder,
        mayRecord,
        mayTake: mayRecord && item.state !== 'closed' && !isMine && holder === undefined,
        colleagues:
          isMine && mayRecord ? await listColleagues(tx, model, { actor, regionCode }) : [],
        callBackChoices: callBackMinutes.map((minutes) => ({
          minutes,
          at: clockTime(new Date(now.getTime() + minutes * 60_000)),
        })),
        // Of a button, which has no field to say it beside; the page itself names who has it.
        tooLate: isField || isOutcome ? undefined : failed?.refused.message,
        form: formModel(
          fields,
          failed?.form,
          failed && (isField || isOutcome) ? errorsAt('outcome', failed.refused) : {},
        ),
      },
      failed === undefined ? {} : { status: refusalStatus(failed.refused.kind).status },
    );
  });
}

/** Items with the words that were texted, and of a code that was not theirs whose it is. */
async function withMeaning(
  tx: Tx,
  items: readonly DeskItemRow[],
  openReply: ResponseRoutesContext['openReply'],
) {
  const shown = [];
  for (const item of items) {
    const words = wordsOf(item, openReply);
    const codes = item.kind === 'wrong_code' ? readReply(words ?? '').codes : [];
    const codeOf = codes.length === 0 ? [] : await listNamesOfCodes(tx, codes);
    shown.push({ ...item, words, codeOf });
  }
  return shown;
}

function wordsOf(item: DeskItemRow, openReply: ResponseRoutesContext['openReply']) {
  if (item.replyId === null || item.contentSealed === null) return undefined;
  return openReply(item.replyId, item.contentSealed);
}

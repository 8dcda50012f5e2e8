/** The call list of an alert: who is to be rung, and ringing one of them. */
import { z } from 'zod';
import { actorId, may, mayIn, regionsOf, type Actor } from '#kernel/actor.ts';
import { isUuid } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  errorsAt,
  formIdOf,
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
import { alertRules } from '../because.ts';
import type { ResponseRoutesContext } from '../context.ts';
import { answerKinds, type AnswerKind } from '../model.ts';
import { claimCall, giveBackCall, recordAttempt, type Attempt, type Name } from './calls.ts';
import { callOutcomes } from './model.ts';
import { listAttempts } from './store-attempts.ts';
import {
  countToRing,
  findCalledAlert,
  findOpenCall,
  findRung,
  listCallsOf,
  listToRing,
} from './store-calls.ts';
import { listWays, openWay } from './ways.ts';

const idParams = z.object({ id: z.uuid() });
const nameParams = z.object({ id: z.uuid(), organisationId: z.uuid() });
const listQuery = z.object({ region: z.string().max(20).optional() });

/** More than anybody rings before they look again. */
const NAMES_MAX = 100;

export function callRoutes(context: ResponseRoutesContext): Route[] {
  return [listRoute(context), nameRoute(context), ...actRoutes(context)];
}

function listRoute({ database, model }: ResponseRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/alerts/:id/calls',
    access: 'alert.read',
    params: idParams,
    query: listQuery,
    handle: async ({ actor, params: { id: alertId }, query: { region } }) =>
      await database.withActor(actor, async (tx) => {
        const alert = await findCalledAlert(tx, alertId);
        if (alert === undefined) return notFound();
        const bound = regionsOf(actor, 'alert.read');
        const all = await countToRing(tx, alertId);
        const regions = all.filter(({ code }) => bound === undefined || bound.includes(code));
        const chosen = regions.find(({ code }) => code === region);
        const regionCodes = chosen === undefined ? bound : [chosen.code];
        const names = await listToRing(tx, { alertId, regionCodes, most: NAMES_MAX });
        const me = actorId(actor);
        const mine = await listCallsOf(tx, alertId, me);
        return view('responses/calls.njk', {
          alert,
          regions,
          region: chosen,
          isBound: bound !== undefined,
          mine,
          free: names.filter(({ claimedBy }) => claimedBy === null),
          others: names.filter(({ claimedBy }) => claimedBy !== null && claimedBy !== me),
          more: (names[0]?.names ?? 0) - names.length,
          mayRecord: may(actor, 'response.record'),
          callList: (await alertRules(tx, alertId, model)).callList,
        });
      }),
  });
}

function nameRoute(context: ResponseRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/alerts/:id/calls/:organisationId',
    access: 'alert.read',
    params: nameParams,
    handle: async ({ actor, params: { id: alertId, organisationId } }) =>
      await showName(context, actor, { alertId, organisationId }),
  });
}

function actRoutes(context: ResponseRoutesContext): Route[] {
  const { database, model } = context;
  const act = (
    name: string,
    verb: (tx: Tx, name: Name, form: Form) => Promise<Outcome<void>>,
    then: (name: Name, form: Form) => Reply,
  ) =>
    page({
      method: 'POST',
      path: `/alerts/:id/calls/:organisationId/${name}`,
      access: 'response.record',
      params: nameParams,
      async handle({ actor, params: { id: alertId, organisationId }, form }) {
        const called = { alertId, organisationId };
        const done = await database.attempt(actor, (tx) => verb(tx, called, form));
        if (!done.ok) return await showName(context, actor, called, { form, refused: done });
        return then(called, form);
      },
    });
  return [
    act(
      'claim',
      (tx, name) => claimCall(tx, name, model),
      (name) => redirect(pathOf(name)),
    ),
    act('give-back', giveBackCall, (name) => toList(name, 'Given back to everybody.')),
    act(
      'attempts',
      async (tx, name, form) => {
        const attempt = parseAttempt(form);
        return attempt.ok ? await recordAttempt(tx, name, attempt.value, model) : attempt;
      },
      (name, form) =>
        ['no_answer', 'wrong_number'].includes(oneOf(form, 'outcome'))
          ? redirect(pathOf(name), { notice: 'Written down. Here is the next number.' })
          : toList(name, 'The call is written down.'),
    ),
  ];
}

function pathOf({ alertId, organisationId }: Name): string {
  return `/alerts/${alertId}/calls/${organisationId}`;
}

function toList({ alertId }: Name, notice: string): Reply {
  return redirect(`/alerts/${alertId}/calls`, { notice });
}

function oneOf(form: Form, field: string): string {
  return (many(form[field])[0] ?? '').trim();
}

const fields = ['outcome', 'note'];

/** `outcome` is what they said, where somebody was reached, else what came of it. */
function parseAttempt(form: Form): Outcome<Attempt> {
  const outcome = oneOf(form, 'outcome');
  const note = oneOf(form, 'note');
  const way = oneOf(form, 'way');
  const said = answerKinds.find((kind: AnswerKind) => kind === outcome);
  const other = callOutcomes.find((one) => one === outcome);
  const errors = {
    ...(said === undefined && (other === undefined || other === 'reached')
      ? { outcome: 'Choose what came of it' }
      : {}),
    ...(note.length > 1000 && { note: 'Use 1,000 characters or fewer' }),
    ...(note === '' && other === 'left_word' && { note: 'Say with whom you left word' }),
  };
  if (Object.keys(errors).length > 0)
    return refused('invalid', 'Put right what is marked below.', errors);
  const attempt = { id: formIdOf(form), contactPointId: isUuid(way) ? way : null, note };
  if (said !== undefined) return ok({ ...attempt, outcome: 'reached', said });
  return ok({ ...attempt, outcome: other as Exclude<typeof other, 'reached' | undefined> });
}

async function showName(
  { database, model, ...opens }: ResponseRoutesContext,
  actor: Actor,
  name: Name,
  failed?: { readonly form: Form; readonly refused: Refused },
): Promise<Reply> {
  return await database.withActor(actor, async (tx) => {
    const { alertId, organisationId } = name;
    const rung = await findRung(tx, alertId, organisationId);
    if (rung === undefined || !mayIn(actor, 'alert.read', rung.regionCode)) return notFound();
    const call = await findOpenCall(tx, alertId, organisationId);
    const isMine = call?.claimedBy === actorId(actor);
    const mayRecord = mayIn(actor, 'response.record', rung.regionCode);
    const attempts = await listAttempts(tx, alertId, organisationId);
    const ways = await listWays(tx, rung, attempts);
    const isField = Object.keys(failed?.refused.fields ?? {}).length > 0;
    const wasTyped = failed !== undefined && oneOf(failed.form, 'outcome') !== '';
    return view(
      'responses/call.njk',
      {
        alertId,
        isExercise: rung.exercise,
        rung,
        call,
        isMine: isMine && mayRecord,
        mayTake: mayRecord && !isMine && (call === undefined || call.isLapsed) && rung.why !== null,
        next: isMine && mayRecord ? await openWay(tx, ways, opens) : undefined,
        ways: ways.all,
        nextId: ways.next?.contactPointId,
        attempts,
        roles: model.contactRoles,
        callList: (await alertRules(tx, alertId, model)).callList,
        // After a conflict a new one, so that pressing again is a decision.
        formId: formIdOf(failed?.refused.kind === 'invalid' ? failed.form : {}),
        tooLate: isField ? undefined : failed?.refused.message,
        typed: wasTyped && !isMine ? oneOf(failed.form, 'note') : '',
        form: formModel(
          fields,
          failed?.form,
          failed && isField ? errorsAt('outcome', failed.refused) : {},
        ),
      },
      failed === undefined ? {} : { status: refusalStatus(failed.refused.kind).status },
    );
  });
}

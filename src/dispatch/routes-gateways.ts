/** The gateways and their last proof: a page to look at them, switch them and weigh them. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import { refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  api,
  formModel,
  json,
  page,
  parseForm,
  problem,
  redirect,
  refuseBody,
  refusedPage,
  view,
  type Reply,
  type Route,
} from '#web/index.ts';
import { breakerReasons, breakerStates } from './breaker.ts';
import { meaningOfFailure, verdictOf } from './gateway-words.ts';
import { switchGateway, weighGateway } from './steer-gateways.ts';
import { findGatewayState, listGatewayStates } from './store-gateway-page.ts';

export type GatewayContext = {
  readonly database: Database;
  /** By which rule they are tried: its sentence, its place on the page, its version. */
  readonly becauseProbe: Readonly<Record<'says' | 'href' | 'version', string>>;
};

const params = z.object({ id: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/) });
const WEIGHT_MAX = 1_000;
const WEIGHT_FORM = `Write a whole number from 0 to ${WEIGHT_MAX}`;
const weightForm = z.object({
  weight: z
    .string()
    .regex(/^\d{1,4}$/, WEIGHT_FORM)
    .transform(Number)
    .refine((weight) => weight <= WEIGHT_MAX, WEIGHT_FORM),
});
const weightBody = z.strictObject({
  weight: z.int().min(0).max(WEIGHT_MAX).describe('Its share of new people; 0 is a reserve'),
});
const steered = z.strictObject({ id: z.string(), enabled: z.boolean(), weight: z.int() });

export function gatewayRoutes(context: GatewayContext): Route[] {
  return [...pageRoutes(context), ...apiRoutes(context)];
}

function pageRoutes({ database, becauseProbe }: GatewayContext): Route[] {
  const show = async (actor: Actor, refusal?: { id: string; reply: Shown }): Promise<Reply> => {
    const gateways = await database.withActor(actor, (tx) => listGatewayStates(tx));
    const model = {
      gateways: gateways.map((gateway) => ({
        ...gateway,
        verdict: verdictOf(gateway),
        breaker: breakerStates[gateway.breakerState],
        why: gateway.breakerReason && breakerReasons[gateway.breakerReason],
        failure: gateway.lastFailureCode && meaningOfFailure(gateway.lastFailureCode),
        pause: gateway.pauseReason && meaningOfFailure(gateway.pauseReason),
        typed: refusal?.id === gateway.id ? refusal.reply.typed : String(gateway.weight),
        error: refusal?.id === gateway.id ? refusal.reply.error : undefined,
      })),
      becauseProbe,
      maySteer: may(actor, 'gateway.steer'),
      form: formModel(
        gateways.map(({ id }) => `weight-${id}`),
        {},
        refusal ? { [`weight-${refusal.id}`]: refusal.reply.error } : {},
      ),
    };
    return view('dispatch/gateways.njk', model, { status: refusal ? 422 : 200 });
  };
  const switching = (word: 'on' | 'off') =>
    page({
      method: 'POST',
      path: `/gateways/:id/${word}`,
      access: 'gateway.steer',
      params,
      async handle({ actor, params: { id } }) {
        const done = await database.attempt(actor, (tx) =>
          switchGateway(tx, { id, enabled: word === 'on' }),
        );
        if (!done.ok) return refusedPage(done);
        return redirect('/gateways', { notice: `${id} is switched ${word}.` });
      },
    });
  return [
    page({
      method: 'GET',
      path: '/gateways',
      access: 'system.read',
      handle: ({ actor }) => show(actor),
    }),
    switching('on'),
    switching('off'),
    page({
      method: 'POST',
      path: '/gateways/:id/weight',
      access: 'gateway.steer',
      params,
      async handle({ actor, params: { id }, form }) {
        const parsed = parseForm(weightForm, form);
        if (!parsed.ok) {
          const typed = typeof form['weight'] === 'string' ? form['weight'] : '';
          return await show(actor, { id, reply: { typed, error: WEIGHT_FORM } });
        }
        const { weight } = parsed.value;
        const done = await database.attempt(actor, (tx) => weighGateway(tx, { id, weight }));
        if (!done.ok) return refusedPage(done);
        return redirect('/gateways', { notice: `The weight of ${id} is ${weight}.` });
      },
    }),
  ];
}

/** What was typed, and what is wrong with it. */
type Shown = { readonly typed: string; readonly error: string };

function apiRoutes({ database }: GatewayContext): Route[] {
  const steer = async (
    actor: Actor,
    id: string,
    verb: (tx: Tx) => Promise<Outcome<void>>,
  ): Promise<Reply> => {
    const done = await database.attempt(actor, async (tx) => {
      const found = await findGatewayState(tx, id);
      return found === undefined ? refused('not_found', 'There is no such gateway.') : verb(tx);
    });
    if (!done.ok) return problem(done);
    const now = await database.withActor(actor, (tx) => findGatewayState(tx, id));
    return json(200, { id, enabled: now!.enabled, weight: now!.weight });
  };
  const switching = (word: 'on' | 'off', summary: string) =>
    api({
      method: 'POST',
      path: `/api/v1/gateways/:id/${word}`,
      access: 'gateway.steer',
      params,
      api: { summary, responses: { 200: steered } },
      async handle({ actor, params: { id }, rawBody }) {
        const surplus = refuseBody(rawBody);
        if (surplus) return problem(surplus);
        return await steer(actor, id, (tx) => switchGateway(tx, { id, enabled: word === 'on' }));
      },
    });
  return [
    switching('on', 'Let a gateway send again'),
    switching('off', 'Let a gateway send nothing more; others take what waits for it'),
    api({
      method: 'POST',
      path: '/api/v1/gateways/:id/weight',
      access: 'gateway.steer',
      params,
      body: weightBody,
      api: { summary: 'Change its share of new people', responses: { 200: steered } },
      handle: ({ actor, params: { id }, body: { weight } }) =>
        steer(actor, id, (tx) => weighGateway(tx, { id, weight })),
    }),
  ];
}

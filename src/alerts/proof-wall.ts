/**
 * Who knows of an alert may not read its words yet (ADR 0041). The database gives the words to
 * nobody who has not proved enough for their marking; this says so, and leads to the proof, in the
 * place of every page and answer that is about one alert.
 */
import { readsUpTo, type Actor } from '#kernel/actor.ts';
import { tlp, type Marking } from '#kernel/marking.ts';
import { refused } from '#kernel/outcome.ts';
import type { Database } from '#db/database.ts';
import { rulesOf, severityById, type OperatingModel } from '#operating-model/index.ts';
import { problem, proveIt, view, type Reply, type Route, type WebRequest } from '#web/index.ts';
import { findWalled } from './store-walled.ts';

export type WallContext = { readonly database: Database; readonly model: OperatingModel };

const OF_ONE_ALERT = /^(?:\/api\/v1)?\/alerts\/:id(?:\/|$)/;

/** The same routes; those of one alert answer so where the actor may not read its words. */
export function behindProof(context: WallContext, routes: readonly Route[]): Route[] {
  return routes.map((route) =>
    OF_ONE_ALERT.test(route.path)
      ? {
          ...route,
          handle: async (request) =>
            (await wallFor(context, route, request)) ?? (await route.handle(request)),
        }
      : route,
  );
}

async function wallFor(
  { database, model }: WallContext,
  { kind, method }: Route,
  { actor, params, path }: WebRequest,
): Promise<Reply | undefined> {
  // Whoever reads everything, as nearly everybody does, costs no question.
  if (readsUpTo(actor) === 'RED') return undefined;
  const found = await database.withActor(actor, async (tx) => {
    const alert = await findWalled(tx, params['id']!);
    if (alert === undefined) return undefined;
    const rules = await rulesOf(tx, alert.modelVersion, model);
    return { ...alert, severityLabel: severityById(rules, alert.severity)?.label };
  });
  if (found === undefined) return undefined;
  if (kind !== 'page') return problem(refusedTo(actor, found.marking));
  // What was typed is kept, and goes on with the proof.
  if (method !== 'GET') return proveIt();
  return view(
    'alerts/proof-wall.njk',
    { alert: found, path, helpLine: model.helpLine },
    { status: 403 },
  );
}

function refusedTo(actor: Actor, marking: Marking) {
  const upTo = tlp(readsUpTo(actor));
  const who = actor.kind === 'key' ? 'A key reads' : 'Without a passkey you read';
  return refused(
    'forbidden',
    `The words of this alert are marked ${tlp(marking)}. ${who} up to ${upTo}; ` +
      'people who used a passkey read them in Tocsin.',
  );
}

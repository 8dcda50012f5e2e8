/** The rules of the centre as pages: those in force, those of any day, and how they changed. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import type { Tx } from '#db/database.ts';
import { may } from '#kernel/actor.ts';
import {
  diffModels,
  findPinnedModel,
  findNewestProposal,
  listAdoptions,
  type AdoptionRow,
  type OperatingModel,
} from '#operating-model/index.ts';
import { day, file, notFound, page, redirect, refusedPage, view, type Route } from '#web/index.ts';
import type { AdoptionContext } from './context.ts';
import { standingOfFile } from './file-standing.ts';
import { groupChanges } from './grouping.ts';
import { modelPage } from './page.ts';
import { proposalRoutes } from './routes-proposal.ts';

export function adoptionRoutes(context: AdoptionContext): Route[] {
  return [
    inForceRoute(context),
    pinnedRoute(context),
    ...historyRoutes(context),
    ...proposalRoutes(context),
  ];
}

function inForceRoute({ database, model, modelFile }: AdoptionContext): Route {
  return page({
    method: 'GET',
    path: '/operating-model',
    access: 'model.read',
    async handle({ actor }) {
      const found = await database.withActor(actor, async (tx) => ({
        adoptions: await listAdoptions(tx),
        newest: await findNewestProposal(tx),
      }));
      const standing = await standingOfFile(modelFile, model);
      return view('adoption/model.njk', {
        ...modelPage(model),
        adoption: found.adoptions.find(({ sha256 }) => sha256 === model.version),
        asAt: undefined,
        pinned: undefined,
        newest: found.newest,
        standing,
        fileChanges: standing.is === 'different' ? groupChanges(standing.changes) : [],
        mayPropose: may(actor, 'model.write'),
      });
    },
  });
}

const versionParams = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/** A version by itself: where every “because” leads, whoever may read what it explains. */
function pinnedRoute({ database, model }: AdoptionContext): Route {
  return page({
    method: 'GET',
    path: '/operating-model/rules/:sha256',
    access: ['model.read', 'alert.read'],
    params: versionParams,
    async handle({ actor, params: { sha256 } }) {
      const found = await database.withActor(actor, async (tx) => ({
        adoptions: may(actor, 'model.read') ? await listAdoptions(tx) : [],
        rules: await findPinnedModel(tx, sha256),
      }));
      if (!found.rules.ok)
        return found.rules.kind === 'not_found' ? notFound() : refusedPage(found.rules);
      return view('adoption/model.njk', {
        ...modelPage(found.rules.value),
        adoption: found.adoptions.find((one) => one.sha256 === sha256),
        asAt: undefined,
        pinned: { inForce: sha256 === model.version },
        newest: undefined,
        standing: { is: 'same' },
        fileChanges: [],
        mayPropose: false,
      });
    },
  });
}

const numberParams = z.object({ number: z.coerce.number().int().min(1).max(1_000_000) });

/** A day of the centre's calendar; another one is none. */
const dayQuery = z.object({ day: day.optional().catch(undefined) });

function historyRoutes({ database, model }: AdoptionContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/operating-model/history',
      access: 'model.read',
      async handle({ actor }) {
        const entries = await database.withActor(actor, async (tx) => {
          const adoptions = await listAdoptions(tx);
          const all = [];
          for (const [i, adoption] of adoptions.entries())
            all.push({ ...adoption, changes: await changesOf(tx, adoption, adoptions[i + 1]) });
          return all;
        });
        return view('adoption/history.njk', { entries, version: model.version });
      },
    }),
    page({
      method: 'GET',
      path: '/operating-model/as-at',
      access: 'model.read',
      query: dayQuery,
      async handle({ actor, query: { day } }) {
        if (day === undefined) return redirect('/operating-model/history');
        const adoptions = await database.withActor(actor, listAdoptions);
        // What came into force on that day counts.
        const found = adoptions.find(({ adoptedAt }) => londonDay(adoptedAt) <= day);
        if (found !== undefined) return redirect(`/operating-model/versions/${found.number}`);
        const notice = 'No rules were in force on that day: it is before the first start.';
        return redirect('/operating-model/history', { notice });
      },
    }),
    page({
      method: 'GET',
      path: '/operating-model/versions/:number',
      access: 'model.read',
      params: numberParams,
      async handle({ actor, params: { number } }) {
        const found = await database.withActor(actor, (tx) => findAdopted(tx, number));
        if (found === undefined) return notFound();
        if (!found.rules.ok) return refusedPage(found.rules);
        const { adoption, until } = found;
        return view('adoption/model.njk', {
          ...modelPage(found.rules.value),
          adoption,
          asAt: { until },
          pinned: undefined,
          newest: undefined,
          standing: { is: 'same' },
          fileChanges: [],
          mayPropose: false,
        });
      },
    }),
    page({
      method: 'GET',
      path: '/operating-model/versions/:number/operating-model.yaml',
      access: 'model.read',
      params: numberParams,
      async handle({ actor, params: { number } }) {
        const found = await database.withActor(actor, (tx) => findAdopted(tx, number));
        if (found === undefined) return notFound();
        if (!found.rules.ok) return refusedPage(found.rules);
        return file('operating-model.yaml', 'application/yaml', found.rules.value.source);
      },
    }),
  ];
}

/** An adoption with its rules, and until when it held. */
async function findAdopted(tx: Tx, number: number) {
  const adoptions = await listAdoptions(tx);
  const place = adoptions.findIndex((one) => one.number === number);
  const adoption = adoptions[place];
  if (adoption === undefined) return undefined;
  const rules = await findPinnedModel(tx, adoption.sha256);
  return { adoption, rules, until: adoptions[place - 1]?.adoptedAt };
}

/** What it changed, in words; undefined of the first, and where a release cannot read one of them. */
async function changesOf(tx: Tx, after: AdoptionRow, before: AdoptionRow | undefined) {
  if (before === undefined) return undefined;
  const models: OperatingModel[] = [];
  for (const { sha256 } of [before, after]) {
    const found = await findPinnedModel(tx, sha256);
    if (found.ok) models.push(found.value);
  }
  const [old, now] = models;
  if (old === undefined || now === undefined) return undefined;
  return groupChanges(diffModels(old, now));
}

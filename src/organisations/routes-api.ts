/** The directory for programs: look up, preview an audience, import. Same verbs as the pages. */
import { z } from 'zod';
import type { Refused } from '#kernel/outcome.ts';
import { api, json, listOf, notFound, pageOf, problem, type Route } from '#web/index.ts';
import { asAtOf } from './as-at.ts';
import { asAtApiRoutes } from './routes-api-as-at.ts';
import { fileInThread } from './imports/in-thread.ts';
import { undoApiRoutes } from './imports/routes-api-runs.ts';
import { settleMapping } from './imports/mapping.ts';
import { everybody, type AudienceQuestion, type ImportKind, type ImportResult } from './model.ts';
import { cutOffApiRoutes } from './cut-off/routes-api-cut-off.ts';
import { searchKey } from './form-search.ts';
import { resolveParts } from './audiences/audiences.ts';
import { parseAudienceQuestion } from './audiences/parse-audience.ts';
import { audienceApiRoutes } from './audiences/routes-api-audiences.ts';
import type { OrganisationApiContext } from './routes-api-context.ts';
import { parentApiRoutes } from './routes-api-parents.ts';
import { useApiRoutes } from './suppliers/routes-api-uses.ts';
import {
  audiencePreview,
  audienceQuestion,
  anotherDay,
  importBody,
  IMPORT_BYTES_MAX,
  importResult,
  listQuery,
  organisationDetail,
  organisationSummary,
  place,
  REFUSED_SHOWN_MAX,
  region,
} from './routes-api-shapes.ts';
import { recordListView } from './contacts/looks.ts';
import type { ContactDetail } from './contacts/store-contact-list.ts';
import { findOrganisation, listOrganisations } from './store.ts';
import { previewAudience } from './audiences/preview.ts';
import { listRegions, listSystems, listUnknownCodes, type Place } from './store-places.ts';
import { lookAhead } from './successions/ahead.ts';

export function organisationApiRoutes(context: OrganisationApiContext): Route[] {
  return [
    ...directoryRoutes(context),
    ...placeRoutes(context),
    audienceRoute(context),
    importRoute(context, 'organisations'),
    importRoute(context, 'contacts'),
    ...audienceApiRoutes(context),
    ...useApiRoutes(context),
    ...parentApiRoutes(context),
    ...asAtApiRoutes(context),
    ...cutOffApiRoutes(context),
    ...undoApiRoutes(context),
  ];
}

function directoryRoutes({ database, rules }: OrganisationApiContext): Route[] {
  const query = listQuery(rules);
  return [
    api({
      method: 'GET',
      path: '/api/v1/organisations',
      access: 'directory.read',
      query,
      api: { summary: 'Organisations by name', responses: { 200: listOf(organisationSummary) } },
      async handle({ actor, query: { search, after, limit, asAt, ...filters }, now }) {
        const asked = questionOf(filters);
        const day = asAtOf(asAt ?? '', now);
        const found = await database.withActor(actor, (tx) =>
          lookAhead(tx, day, () =>
            listOrganisations(tx, {
              limit: limit + 1,
              ...(search !== undefined && { text: search }),
              ...(asked !== undefined && { question: asked }),
              ...(after !== undefined && { after }),
              asAt: day,
            }),
          ),
        );
        return found.ok ? json(200, pageOf(found.value, limit, searchKey)) : problem(found);
      },
    }),
    api({
      method: 'GET',
      path: '/api/v1/organisations/:id',
      access: 'directory.read',
      params: z.object({ id: z.uuid() }),
      api: {
        summary: 'One organisation with its contacts, addresses masked',
        responses: { 200: organisationDetail },
      },
      async handle({ actor, params }) {
        const found = await database.withActor(actor, async (tx) => {
          const organisation = await findOrganisation(tx, params.id);
          const contactIds = organisation?.contacts.map(({ id }) => id) ?? [];
          await recordListView(tx, {
            list: 'organisation',
            contactIds,
            organisationId: params.id,
          });
          return organisation;
        });
        if (found === undefined) return notFound();
        return json(200, { ...found, contacts: found.contacts.toSorted(byRank) });
      },
    }),
  ];
}

/** Undefined where nothing narrows: then closed organisations are listed too. */
function questionOf(filters: {
  readonly type?: string | undefined;
  readonly region?: string | undefined;
  readonly system?: string | undefined;
  readonly parent?: string | undefined;
  readonly mustAnswer?: 'true' | undefined;
}): AudienceQuestion | undefined {
  const { type, region: regionCode, system, parent, mustAnswer } = filters;
  if (type ?? regionCode ?? system ?? parent ?? mustAnswer) {
    const listed = (value: string | undefined) => (value === undefined ? [] : [value]);
    return {
      ...everybody,
      types: listed(type),
      regions: listed(regionCode?.toUpperCase()),
      systems: listed(system?.toUpperCase()),
      parents: listed(parent?.toUpperCase()),
      mustAnswerOnly: mustAnswer !== undefined,
    };
  }
  return undefined;
}

/** Two contacts may have the same rank and name; the id makes the order the same each time. */
function byRank(a: ContactDetail, b: ContactDetail): number {
  return a.rank - b.rank || order(a.name, b.name) || order(a.id, b.id);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byName(a: Place, b: Place): number {
  return order(a.name, b.name) || order(a.code, b.code);
}

function placeRoutes({ database }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/regions',
      access: 'directory.read',
      api: { summary: 'Regions by name, all of them', responses: { 200: listOf(region) } },
      async handle({ actor }) {
        const regions = await database.withActor(actor, (tx) => listRegions(tx));
        return json(200, { rows: regions.toSorted(byName), next: null });
      },
    }),
    api({
      method: 'GET',
      path: '/api/v1/systems',
      access: 'directory.read',
      api: { summary: 'Systems by name, all of them', responses: { 200: listOf(place) } },
      async handle({ actor }) {
        const systems = await database.withActor(actor, (tx) => listSystems(tx));
        return json(200, { rows: systems.toSorted(byName), next: null });
      },
    }),
  ];
}

function audienceRoute({ database, rules }: OrganisationApiContext): Route {
  return api({
    method: 'POST',
    path: '/api/v1/audience/preview',
    access: 'directory.read',
    body: audienceQuestion(rules).extend({ asAt: anotherDay }),
    api: {
      summary: 'Whom a question would reach today, or on another day; changes nothing',
      responses: { 200: audiencePreview },
    },
    async handle({ actor, body: { asAt, ...words }, now }) {
      const asked = parseAudienceQuestion(words, rules);
      if (!asked.ok) return problem(asked);
      const day = asAtOf(asAt ?? '', now);
      return await database.withActor(actor, async (tx) => {
        const unknown = await listUnknownCodes(tx, asked.value);
        const question = await resolveParts(tx, asked.value);
        if (!question.ok) return problem(question);
        const counts = await lookAhead(tx, day, () => previewAudience(tx, question.value, day));
        if (!counts.ok) return problem(counts);
        const unknownCodes = [...new Set(unknown.map(({ code }) => code))];
        return json(200, { ...counts.value, unknownCodes });
      });
    },
  });
}

/** In a thread, as by page: a large file would hold the process that serves boards. */
function importRoute(context: OrganisationApiContext, kind: ImportKind): Route {
  const { database, rules, secrets, textPermissions = {} } = context;
  return api({
    method: 'POST',
    path: `/api/v1/${kind}/import`,
    access: 'directory.write',
    bodyBytesMax: IMPORT_BYTES_MAX,
    body: importBody(kind),
    api: {
      summary: `Bring a CSV file of ${kind} into the directory (at most 20 MiB)`,
      responses: { 200: importResult },
    },
    async handle({ actor, body, now }) {
      const { dryRun, allOrNothing, mapping: words, fileName: name, content } = body;
      const bytes = new TextEncoder().encode(content);
      const mapping = await database.withActor(actor, (tx) =>
        settleMapping(tx, { kind, bytes, words: defined(words), now, remembers: !dryRun }),
      );
      if (!mapping.ok) return problem(aboutContent(mapping));
      const { outcome } = await fileInThread({
        config: database.config,
        context: { rules, secrets, textPermissions },
        work: {
          as: 'file',
          kind,
          actor,
          dryRun,
          allOrNothing,
          startedAt: now,
          wantsRows: false,
          file: { name, bytes },
          mapping: mapping.value,
        },
      });
      return outcome.ok ? json(200, resultOf(outcome.value)) : problem(aboutContent(outcome));
    },
  });
}

function defined(words: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const said = Object.entries(words).filter(([, theirs]) => theirs !== undefined);
  return Object.fromEntries(said) as Record<string, string>;
}

function resultOf({ refusedRows, ...result }: ImportResult) {
  return {
    ...result,
    importId: result.importId ?? null,
    refusedRows: refusedRows.slice(0, REFUSED_SHOWN_MAX),
    refusedRowsLeftOff: Math.max(0, refusedRows.length - REFUSED_SHOWN_MAX),
  };
}

/** What is wrong with a file as a whole is wrong with the field that holds it. */
function aboutContent(why: Refused): Refused {
  if (why.kind !== 'invalid' || Object.keys(why.fields).length > 0) return why;
  return { ...why, fields: { content: why.message } };
}

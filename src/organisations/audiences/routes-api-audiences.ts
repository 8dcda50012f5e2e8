/** Saved audiences for programs: the verbs of the pages. */
import { z } from 'zod';
import { newId } from '#kernel/ids.ts';
import type { Tx } from '#db/database.ts';
import {
  api,
  json,
  listOf,
  notFound,
  pageOf,
  pageQuery,
  problem,
  refuseBody,
  type Route,
} from '#web/index.ts';
import { asAtOf } from '../as-at.ts';
import { bringBackAudience, changeAudience, retireAudience, saveAudience } from './audiences.ts';
import { readNames } from './form-audience.ts';
import { searchCursor, searchKey } from '../form-search.ts';
import { whyIn, whyOut } from './membership.ts';
import type { DirectoryRules } from '../model.ts';
import { parseAudienceQuestion } from './parse-audience.ts';
import type { OrganisationApiContext } from '../routes-api-context.ts';
import { anotherDay } from '../routes-api-shapes.ts';
import { lookAhead } from '../successions/ahead.ts';
import {
  audience,
  audienceBody,
  audienceChanges,
  audienceShown,
  changedAudience,
  member,
} from './routes-api-saved.ts';
import { countChanges, listCame, listMembers, listWent } from './store-members.ts';
import {
  findAudience,
  listAudiences,
  listAudienceVersions,
  type AudienceRow,
} from './store-saved.ts';

const params = z.object({ id: z.uuid() });
/** More of who came and went are counted and not listed. */
const CHANGES_MAX = 1000;

export function audienceApiRoutes(context: OrganisationApiContext): Route[] {
  return [
    ...readRoutes(context),
    ...memberRoutes(context),
    ...writeRoutes(context),
    ...actRoutes(context),
  ];
}

function readRoutes({ database }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/audiences',
      access: 'directory.read',
      api: {
        summary: 'Saved audiences by name, all of them',
        responses: { 200: listOf(audience) },
      },
      async handle({ actor }) {
        const rows = await database.withActor(actor, (tx) => listAudiences(tx));
        return json(200, { rows: rows.map(audienceShown), next: null });
      },
    }),
    api({
      method: 'GET',
      path: '/api/v1/audiences/:id',
      access: 'directory.read',
      params,
      api: { summary: 'One saved audience as it is today', responses: { 200: audience } },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          const found = await findAudience(tx, id);
          return found === undefined ? notFound() : json(200, audienceShown(found));
        }),
    }),
    api({
      method: 'GET',
      path: '/api/v1/audiences/:id/versions/:number',
      access: 'directory.read',
      params: z.object({ id: z.uuid(), number: z.coerce.number().int().min(1) }),
      api: { summary: 'What it asked at a version', responses: { 200: audience } },
      handle: async ({ actor, params: { id, number } }) =>
        await database.withActor(actor, async (tx) => {
          const today = await findAudience(tx, id);
          const found = (await listAudienceVersions(tx, id)).find((one) => one.number === number);
          if (today === undefined || found === undefined) return notFound();
          const { question, savedAt, savedByName, organisations } = found;
          const then = { version: number, question, savedAt, savedByName, organisations };
          return json(200, audienceShown({ ...today, ...then }));
        }),
    }),
  ];
}

function memberRoutes({ database, rules }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/audiences/:id/organisations',
      access: 'directory.read',
      params,
      query: z.strictObject({ asAt: anotherDay, ...pageQuery(searchCursor) }),
      api: {
        summary: 'Whom it means by name, today or on another day, each with why it is in',
        responses: { 200: listOf(member) },
      },
      async handle({ actor, params: { id }, query: { asAt, after, limit }, now }) {
        const day = asAtOf(asAt ?? '', now);
        return await database.withActor(actor, async (tx) => {
          const found = await findAudience(tx, id);
          if (found === undefined) return notFound();
          const { question } = found;
          const names = await readNames(tx, rules);
          const search = { question, asAt: day, after, limit: limit + 1 };
          const rows = await lookAhead(tx, day, () => listMembers(tx, search));
          if (!rows.ok) return problem(rows);
          const { rows: shown, next } = pageOf(rows.value, limit, searchKey);
          const why = shown.map(({ id: organisationId, code, name, ...row }) => ({
            organisationId,
            code,
            name,
            why: whyIn(question, { code, ...row }, names),
          }));
          return json(200, { rows: why, next });
        });
      },
    }),
    api({
      method: 'GET',
      path: '/api/v1/audiences/:id/changes',
      access: 'directory.read',
      params,
      api: {
        summary: 'Who came in and went out since the version of today was saved, and why',
        responses: { 200: audienceChanges },
      },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          const found = await findAudience(tx, id);
          return found === undefined ? notFound() : json(200, await readChanges(tx, found, rules));
        }),
    }),
  ];
}

async function readChanges(tx: Tx, { id, question, version }: AudienceRow, rules: DirectoryRules) {
  const kept = { audienceId: id, question };
  const names = await readNames(tx, rules);
  const counts = await countChanges(tx, kept);
  const went = await listWent(tx, kept, CHANGES_MAX);
  const came = await listCame(tx, kept, CHANGES_MAX);
  return {
    version,
    counts,
    went: went.map((row) => ({
      organisationId: row.id,
      code: row.code,
      name: row.name,
      why: whyOut(question, row, names, row.before),
    })),
    came: came.map((row) => ({
      organisationId: row.id,
      code: row.code,
      name: row.name,
      why: whyIn(question, row, names),
    })),
  };
}

function writeRoutes({ database, rules }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'POST',
      path: '/api/v1/audiences',
      access: 'directory.write',
      body: audienceBody(rules),
      api: { summary: 'Save a question under a name', responses: { 201: audience } },
      async handle({ actor, body: { name, question: asked }, now }) {
        const question = parseAudienceQuestion(asked, rules);
        if (!question.ok) return problem(question);
        const id = newId();
        const saved = await database.attempt(actor, (tx) =>
          saveAudience(tx, { id, name, question: question.value, now }),
        );
        if (!saved.ok) return problem(saved);
        return json(201, audienceShown(saved.value), { location: `/api/v1/audiences/${id}` });
      },
    }),
    api({
      method: 'PUT',
      path: '/api/v1/audiences/:id',
      access: 'directory.write',
      params,
      body: changedAudience(rules),
      api: {
        summary: 'Another question or name: makes the next version, also of those built on it',
        responses: { 200: audience },
      },
      async handle({ actor, params: { id }, body: { name, version, question: asked }, now }) {
        const question = parseAudienceQuestion(asked, rules);
        if (!question.ok) return problem(question);
        const changed = await database.attempt(actor, (tx) =>
          changeAudience(tx, { id, version, name, question: question.value, now }),
        );
        return changed.ok ? json(200, audienceShown(changed.value)) : problem(changed);
      },
    }),
  ];
}

function actRoutes({ database }: OrganisationApiContext): Route[] {
  const route = (name: 'retire' | 'bring-back', summary: string) =>
    api({
      method: 'POST',
      path: `/api/v1/audiences/:id/${name}`,
      access: 'directory.write',
      params,
      api: { summary, responses: { 200: audience } },
      async handle({ actor, params: { id }, rawBody, now }) {
        const unwanted = refuseBody(rawBody);
        if (unwanted !== undefined) return problem(unwanted);
        const done = await database.attempt(actor, async (tx) => {
          const moved =
            name === 'retire' ? await retireAudience(tx, id, now) : await bringBackAudience(tx, id);
          return moved.ok ? { ok: true as const, value: (await findAudience(tx, id))! } : moved;
        });
        return done.ok ? json(200, audienceShown(done.value)) : problem(done);
      },
    });
  return [
    route('retire', 'Offer it no more; what holds it keeps it'),
    route('bring-back', 'Offer it again'),
  ];
}

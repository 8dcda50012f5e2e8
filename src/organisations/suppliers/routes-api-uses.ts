/** Suppliers, uses and tags for programs: the verbs of the pages. */
import { z } from 'zod';
import { api, json, listOf, notFound, problem, refuseBody, type Route } from '#web/index.ts';
import { useForm } from './form-use.ts';
import type { OrganisationApiContext } from '../routes-api-context.ts';
import { supplier, tag, tagBody, tags, use, useBody } from '../audiences/routes-api-saved.ts';
import { findOrganisationRecord } from '../store.ts';
import { listSuppliers, listUsesOfOrganisation, type UseRow } from './store-supplier.ts';
import { listTags, listTagsOfOrganisation } from './store-tag.ts';
import { endUseToday, sayUse } from './suppliers.ts';
import { tagOrganisation } from './tags.ts';

const params = z.object({ id: z.uuid() });

export function useApiRoutes(context: OrganisationApiContext): Route[] {
  return [...listRoutes(context), ...useRoutes(context), ...tagRoutes(context)];
}

function listRoutes({ database }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/suppliers',
      access: 'directory.read',
      api: { summary: 'Suppliers by name, all of them', responses: { 200: listOf(supplier) } },
      async handle({ actor }) {
        const rows = await database.withActor(actor, (tx) => listSuppliers(tx));
        return json(200, { rows, next: null });
      },
    }),
    api({
      method: 'GET',
      path: '/api/v1/tags',
      access: 'directory.read',
      api: { summary: 'Tags by name, all of them', responses: { 200: listOf(tag) } },
      async handle({ actor }) {
        const rows = await database.withActor(actor, (tx) => listTags(tx));
        return json(200, { rows, next: null });
      },
    }),
  ];
}

function shown({ id, supplierName, productName, saidBy, saidOn, usedUntil, hasEnded }: UseRow) {
  return { id, supplier: supplierName, product: productName, saidBy, saidOn, usedUntil, hasEnded };
}

function useRoutes({ database }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/organisations/:id/uses',
      access: 'directory.read',
      params,
      api: { summary: 'What it uses, and last what it used', responses: { 200: listOf(use) } },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          if ((await findOrganisationRecord(tx, id)) === undefined) return notFound();
          const rows = (await listUsesOfOrganisation(tx, id)).map(shown);
          return json(200, { rows, next: null });
        }),
    }),
    api({
      method: 'POST',
      path: '/api/v1/organisations/:id/uses',
      access: 'directory.write',
      params,
      body: useBody,
      api: {
        summary: 'Write down that it uses something; said again it is the same use',
        responses: { 200: use },
      },
      async handle({ actor, params: { id }, body, now }) {
        const { product = '', saidOn = '', usedUntil, ...rest } = body;
        const typed = useForm(now).safeParse({
          ...rest,
          product,
          saidOn,
          usedUntil: usedUntil ?? '',
        });
        if (!typed.success) return problem(refusedDays(typed.error));
        const done = await database.attempt(actor, async (tx) => {
          const said = await sayUse(tx, { ...typed.data, organisationId: id, now });
          if (!said.ok) return said;
          const found = (await listUsesOfOrganisation(tx, id)).find((one) => one.id === said.value);
          return { ok: true as const, value: shown(found!) };
        });
        return done.ok ? json(200, done.value) : problem(done);
      },
    }),
    api({
      method: 'POST',
      path: '/api/v1/organisations/:id/uses/:useId/end',
      access: 'directory.write',
      params: params.extend({ useId: z.uuid() }),
      api: { summary: 'From today on it is used no more', responses: { 200: use } },
      async handle({ actor, params: { id, useId }, rawBody, now }) {
        const unwanted = refuseBody(rawBody);
        if (unwanted !== undefined) return problem(unwanted);
        const done = await database.attempt(actor, async (tx) => {
          const ended = await endUseToday(tx, { id: useId, organisationId: id, now });
          if (!ended.ok) return ended;
          const found = (await listUsesOfOrganisation(tx, id)).find((one) => one.id === useId);
          return { ok: true as const, value: shown(found!) };
        });
        return done.ok ? json(200, done.value) : problem(done);
      },
    }),
  ];
}

/** Shapes were checked by the route: what is left are days in the wrong order. */
function refusedDays(error: z.ZodError) {
  const fields = Object.fromEntries(
    error.issues.map(({ path, message }) => [path.join('.'), message]),
  );
  return { ok: false as const, kind: 'invalid' as const, message: 'Look at the days.', fields };
}

function tagRoutes({ database }: OrganisationApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/organisations/:id/tags',
      access: 'directory.read',
      params,
      api: { summary: 'The tags of one organisation', responses: { 200: tags } },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          if ((await findOrganisationRecord(tx, id)) === undefined) return notFound();
          const found = await listTagsOfOrganisation(tx, id);
          return json(200, { tags: found.map(({ name }) => name) });
        }),
    }),
    api({
      method: 'POST',
      path: '/api/v1/organisations/:id/tags',
      access: 'directory.write',
      params,
      body: tagBody,
      api: { summary: 'Give it a tag; a new word is made', responses: { 200: tags } },
      async handle({ actor, params: { id }, body, now }) {
        const done = await database.attempt(actor, async (tx) => {
          const tagged = await tagOrganisation(tx, { ...body, organisationId: id, now });
          if (!tagged.ok) return tagged;
          const found = await listTagsOfOrganisation(tx, id);
          return { ok: true as const, value: { tags: found.map(({ name }) => name) } };
        });
        return done.ok ? json(200, done.value) : problem(done);
      },
    }),
  ];
}

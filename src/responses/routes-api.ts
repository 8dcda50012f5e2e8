/** Answers and the duty desk for programs. Same verbs as the pages. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import { refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import { listDispatchRounds, readHistories } from '#dispatch/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { findOrganisation, recordListView, type OrganisationDetail } from '#organisations/index.ts';
import {
  api,
  json,
  listOf,
  notFound,
  pageOf,
  problem,
  refuseBody,
  type Reply,
  type Route,
} from '#web/index.ts';
import { recordCall } from './actions.ts';
import { alertRules } from './because.ts';
import { callApiRoutes } from './calls/routes-api-calls.ts';
import { claimItem, closeItem, releaseItem } from './desk.ts';
import {
  answer,
  answersQuery,
  callBody,
  closeBody,
  deskItem,
  deskItemState,
  deskQuery,
  message,
  recordedCall,
} from './routes-api-shapes.ts';
import { listAnswersAfter, listDeskItems } from './store-list.ts';
import { findDeskItem, type DeskItemRow } from './store-desk.ts';
import { findRecipient, listDispatched } from './store-read.ts';

export type ResponseApiContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  readonly openReply: (replyId: string, sealed: Buffer) => string;
};

const params = z.object({ id: z.uuid() });
const inAlert = z.object({ id: z.uuid(), organisationId: z.uuid() });

export function responseApiRoutes(context: ResponseApiContext): Route[] {
  return [
    answersRoute(context),
    messagesRoute(context),
    callRoute(context),
    ...deskReadRoutes(context),
    ...deskActRoutes(context),
    ...callApiRoutes(context),
  ];
}

function answersRoute({ database }: ResponseApiContext): Route {
  return api({
    method: 'GET',
    path: '/api/v1/alerts/:id/organisations/:organisationId/answers',
    access: 'alert.read',
    params: inAlert,
    query: answersQuery,
    api: {
      summary: 'What an organisation answered to a released alert, as it came',
      responses: { 200: listOf(answer) },
    },
    handle: async ({ actor, params: { id, organisationId }, query: { after, limit } }) =>
      await database.withActor(actor, async (tx) => {
        if ((await findRecipient(tx, id, organisationId)) === undefined) return notFound();
        const search = { alertId: id, organisationId, after: after?.[0], most: limit + 1 };
        const found = await listAnswersAfter(tx, search);
        return json(
          200,
          pageOf(found, limit, (row) => [row.id]),
        );
      }),
  });
}

function messagesRoute({ database, model }: ResponseApiContext): Route {
  return api({
    method: 'GET',
    path: '/api/v1/alerts/:id/organisations/:organisationId/messages',
    access: 'alert.read',
    params: inAlert,
    api: {
      summary: 'Every message to an organisation: who, why, which words, what became of it',
      responses: { 200: listOf(message) },
    },
    handle: async ({ actor, params: { id, organisationId } }) =>
      await database.withActor(actor, async (tx) => {
        const recipient = await findRecipient(tx, id, organisationId);
        const organisation = await findOrganisation(tx, organisationId);
        if (recipient === undefined || organisation === undefined) return notFound();
        const contactIds = organisation.contacts.map((contact) => contact.id);
        await recordListView(tx, { list: 'in_alert', contactIds, organisationId });
        const { alertNumber } = recipient;
        const rules = await alertRules(tx, id, model);
        const rows = [];
        for (const { dispatchId, kind } of await listDispatched(tx, id)) {
          const rounds = await listDispatchRounds(tx, dispatchId);
          const histories = await readHistories(tx, { dispatchId, organisationId });
          for (const { contactPointId, round, rank, creditedTo, ...rest } of histories) {
            const opened = rounds.find((one) => one.round === round);
            const roundOpensAt = opened?.opensAt ?? null;
            const roundOpenedAt = opened?.openedAt ?? null;
            const because = rules.ofMessage({ dispatchId, round, rank, at: roundOpenedAt }) ?? null;
            const facts = { alertNumber, kind, round, roundOpensAt, roundOpenedAt, rank };
            const why = { ...facts, creditedTo, because };
            rows.push({ ...rest, who: whoHas(organisation, contactPointId), why });
          }
        }
        return json(200, { rows, next: null });
      }),
  });
}

/** Whose number or address it is today; masked, as everywhere. */
function whoHas({ contacts }: OrganisationDetail, contactPointId: string) {
  const owners = contacts.flatMap(({ points, ...contact }) => {
    const point = points.find((one) => one.contactPointId === contactPointId);
    return point === undefined ? [] : [{ contact, address: point.shown }];
  });
  return {
    contactPointId,
    address: owners[0]?.address ?? null,
    contacts: owners.map(({ contact: { id, name, role, rank } }) => ({ id, name, role, rank })),
  };
}

function callRoute({ database, model }: ResponseApiContext): Route {
  return api({
    method: 'POST',
    path: '/api/v1/alerts/:id/organisations/:organisationId/calls',
    access: 'response.record',
    params: inAlert,
    body: callBody,
    api: {
      summary: 'Write down what an organisation said on the phone',
      responses: { 201: recordedCall },
    },
    async handle({ actor, params: { id: alertId, organisationId }, body: { kind, note } }) {
      const done = await database.attempt(actor, (tx) =>
        recordCall(tx, model, { alertId, organisationId, kind, note }),
      );
      if (!done.ok) return problem(done);
      const location = `/api/v1/alerts/${alertId}/organisations/${organisationId}/answers`;
      return json(201, { alertId, organisationId, kind, evidence: 'call' }, { location });
    },
  });
}

function deskReadRoutes({ database, openReply }: ResponseApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/desk-items',
      access: 'alert.read',
      query: deskQuery,
      api: {
        summary: 'What waits for a person at the duty desk, oldest first',
        responses: { 200: listOf(deskItem) },
      },
      async handle({ actor, query: { state, alertId, after, limit } }) {
        const search = { state, alertId, after: after?.[0], most: limit + 1 };
        const found = await database.withActor(actor, (tx) => listDeskItems(tx, search));
        const { rows, next } = pageOf(found, limit, (row) => [row.id]);
        return json(200, { rows: rows.map((row) => itemOf(row, openReply)), next });
      },
    }),
    api({
      method: 'GET',
      path: '/api/v1/desk-items/:id',
      access: 'alert.read',
      params,
      api: { summary: 'One item of the duty desk', responses: { 200: deskItem } },
      async handle({ actor, params: { id } }) {
        const found = await database.withActor(actor, (tx) => findDeskItem(tx, id));
        return found === undefined ? notFound() : json(200, itemOf(found, openReply));
      },
    }),
  ];
}

function itemOf(row: DeskItemRow, openReply: ResponseApiContext['openReply']) {
  const { replyId, contentSealed, contactPointId: _, isLapsed: __, regionCode: ___, ...item } = row;
  const isText = replyId !== null && contentSealed !== null;
  return { ...item, words: isText ? openReply(replyId, contentSealed) : null };
}

function deskActRoutes({ database, model }: ResponseApiContext): Route[] {
  return [
    api({
      method: 'POST',
      path: '/api/v1/desk-items/:id/release',
      access: 'response.record',
      params,
      api: {
        summary: 'Give an item back to everybody; only who claimed it may',
        responses: { 200: deskItemState },
      },
      async handle({ actor, params: { id }, rawBody }) {
        const unwanted = refuseBody(rawBody);
        if (unwanted !== undefined) return problem(unwanted);
        return await work(database, actor, id, (tx) => releaseItem(tx, id));
      },
    }),
    api({
      method: 'POST',
      path: '/api/v1/desk-items/:id/claim',
      access: 'response.record',
      params,
      api: {
        summary:
          'Take what waits of an organisation: everybody sees who deals with it, until `claimEndsAt`',
        responses: { 200: deskItemState },
      },
      async handle({ actor, params: { id }, rawBody }) {
        const unwanted = refuseBody(rawBody);
        if (unwanted !== undefined) return problem(unwanted);
        return await work(database, actor, id, (tx) => claimItem(tx, id, model));
      },
    }),
    api({
      method: 'POST',
      path: '/api/v1/desk-items/:id/close',
      access: 'response.record',
      params,
      body: closeBody,
      api: {
        summary: 'End an item with what came of it; only who claimed it may',
        responses: { 200: deskItemState },
      },
      handle: async ({ actor, params: { id }, body: { outcome } }) =>
        await work(database, actor, id, (tx) => closeItem(tx, id, { outcome })),
    }),
  ];
}

/** Runs the verb on an item that is there, and answers with what it is now. */
async function work(
  database: Database,
  actor: Actor,
  id: string,
  verb: (tx: Tx) => Promise<Outcome<void>>,
): Promise<Reply> {
  const done = await database.attempt(actor, async (tx) => {
    if ((await findDeskItem(tx, id)) === undefined)
      return refused('not_found', 'There is no such item.');
    return await verb(tx);
  });
  if (!done.ok) return problem(done);
  const item = await database.withActor(actor, (tx) => findDeskItem(tx, id));
  return json(200, { id, state: item?.state, claimedByName: item?.claimedByName });
}

/** The order of contacts, who has left, and the same person elsewhere, by page. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import {
  addContact,
  endContact,
  moveContact,
  returnContact,
  type PointChoices,
} from './contacts.ts';
import type { DirectoryContext } from '../context.ts';
import { denyLeft } from '../own/own-details.ts';
import { parseContactForm, typedOf } from './form-contact.ts';
import { directions } from './ranks.ts';
import { sayingWhoIsTwice } from './routes-contacts.ts';
import { findContact, findOrganisationByCode, type ContactRecord } from './store-contacts.ts';

const idParams = z.object({ id: z.uuid() });

type Failed = { readonly form: Form; readonly refused: Refused };

export function contactPlaceRoutes(context: DirectoryContext): Route[] {
  return [...orderRoutes(context), ...elsewhereRoutes(context)];
}

function orderRoutes({ database }: DirectoryContext): Route[] {
  return [
    page({
      method: 'POST',
      path: '/organisations/contacts/:id/move',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      async handle({ actor, params, form }) {
        const asked = many(form['direction'])[0];
        const direction = directions.find((one) => one === asked) ?? 'earlier';
        const chain = many(form['chain'])[0] ?? '';
        const moved = await database.attempt(actor, (tx) =>
          moveContact(tx, { id: params.id, direction, chain }),
        );
        const contact = await database.withActor(actor, (tx) => findContact(tx, params.id));
        if (contact === undefined) return notFound();
        if (!moved.ok && moved.kind !== 'conflict') return refusedPage(moved);
        const notice = moved.ok ? `${contact.name} is told ${direction}.` : moved.message;
        return redirect(`/organisations/${contact.organisationId}`, { notice });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/contacts/:id/leave',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      async handle({ actor, params }) {
        const ended = await database.attempt(actor, (tx) => endContact(tx, params.id));
        if (!ended.ok) return refusedPage(ended);
        const { name, left, organisationId } = ended.value;
        const nobody = left === 0 ? ' Nobody is left to tell here.' : '';
        const notice = `${name} has left and is told nothing any more.${nobody}`;
        return redirect(`/organisations/${organisationId}`, { notice });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/contacts/:id/stays',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      async handle({ actor, params }) {
        const stays = await database.attempt(actor, (tx) => denyLeft(tx, params.id));
        if (!stays.ok) return refusedPage(stays);
        const notice = `${stays.value.name} has not left.`;
        return redirect(`/organisations/contacts/${params.id}`, { notice });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/contacts/:id/return',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      async handle({ actor, params }) {
        const back = await database.attempt(actor, (tx) => returnContact(tx, params.id));
        if (!back.ok) return refusedPage(back);
        const notice = `${back.value.name} is told again, at rank ${back.value.rank}.`;
        return redirect(`/organisations/${back.value.organisationId}`, { notice });
      },
    }),
  ];
}

const elsewhereFields = ['organisation_code', 'role', 'rank'];

/** The same person at another organisation: the same numbers, so one text for both (P1). */
function elsewhereRoutes(context: DirectoryContext): Route[] {
  const { database, model, secrets } = context;
  const show = async (actor: Actor, id: string, failed?: Failed): Promise<Reply> =>
    await database.withActor(actor, async (tx) => {
      const contact = await findContact(tx, id);
      if (contact === undefined) return notFound();
      const typed = failed?.form ?? { role: contact.role, rank: String(contact.rank) };
      return view(
        'organisations/elsewhere.njk',
        {
          contact,
          roles: model.contactRoles,
          formId: formIdOf(failed?.refused.kind === 'invalid' ? typed : {}),
          form: formModel(elsewhereFields, typed, failed ? errorsAt('', failed.refused) : {}),
        },
        failed ? { status: refusalStatus(failed.refused.kind).status } : {},
      );
    });
  return [
    page({
      method: 'GET',
      path: '/organisations/contacts/:id/elsewhere',
      access: 'directory.write',
      params: idParams,
      handle: async ({ actor, params }) => await show(actor, params.id),
    }),
    page({
      method: 'POST',
      path: '/organisations/contacts/:id/elsewhere',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, form }) {
        const done = await sayingWhoIsTwice(() =>
          database.attempt(actor, async (tx) => {
            const contact = await findContact(tx, params.id);
            if (contact === undefined) return refused('not_found', 'There is no such contact.');
            const code = (many(form['organisation_code'])[0] ?? '').trim().toUpperCase();
            const organisation = await findOrganisationByCode(tx, code);
            const parsed = parseContactForm(
              { ...typedOf(contact), role: form['role'] ?? '', rank: form['rank'] ?? '' },
              { rules: model, stored: contact },
            );
            if (organisation === undefined) {
              const why = 'No organisation of the directory has this code';
              return refused('invalid', why, { organisation_code: why });
            }
            if (!parsed.ok) return parsed;
            const added = { id: formIdOf(form), organisationId: organisation.id };
            return await addContact(
              tx,
              { ...added, ...parsed.value, points: sameAs(contact) },
              secrets,
            );
          }),
        );
        if (!done.ok) return await show(actor, params.id, { form, refused: done });
        const added = await database.withActor(actor, (tx) => findContact(tx, done.value));
        const notice = `${added?.name} is now also told for ${added?.organisationName}.`;
        return redirect(`/organisations/${added?.organisationId}`, { notice });
      },
    }),
  ];
}

function sameAs({ points }: ContactRecord): PointChoices {
  const of = (channel: string) =>
    points
      .filter((point) => point.channel === channel)
      .map(({ contactPointId }) => ({ keep: contactPointId }));
  return { text: of('text'), mail: of('mail'), landline: of('landline') };
}

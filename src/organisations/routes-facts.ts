/** An organisation's own facts by page, its mail domains, and adding an organisation. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import type { Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
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
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { DirectoryContext } from './context.ts';
import { addOrganisation, changeFacts, listAudiencesLeftBy, setMailDomain } from './facts.ts';
import { consequencesOf, factsFields, parseFacts, typedFacts } from './form-facts.ts';
import { SHORT_NAME_MAX } from './short-name.ts';
import { findFacts, type OrganisationFacts } from './store-facts.ts';
import { listRegions, listSystems } from './store-places.ts';

const idParams = z.object({ id: z.uuid() });

export function factsRoutes(context: DirectoryContext): Route[] {
  return [...changeRoutes(context), ...addRoutes(context), domainRoute(context)];
}

type Shown = {
  readonly facts?: OrganisationFacts;
  readonly typed: Form;
  readonly refused?: Refused | undefined;
  /** Said before they are saved; what was confirmed goes with the form. */
  readonly consequences?: readonly string[];
  /** Saved audiences that it goes out of by them. */
  readonly left?: readonly { readonly id: string; readonly name: string }[];
};

async function factsForm(tx: Tx, { model }: DirectoryContext, shown: Shown): Promise<Reply> {
  const { facts, typed, refused: why, consequences = [], left = [] } = shown;
  const asks = consequences.length + left.length > 0;
  const status = why ? refusalStatus(why.kind).status : asks ? 422 : 200;
  return view(
    'organisations/facts.njk',
    {
      facts: facts ?? null,
      // What the form saw stays while it is put right; after a conflict it is the present one.
      version: (why?.kind === 'conflict' ? undefined : many(typed['version'])[0]) ?? facts?.version,
      formId: formIdOf(why?.kind === 'invalid' ? typed : {}),
      form: formModel(factsFields, typed, why ? errorsAt('', why) : {}),
      consequences,
      left,
      said: saidOf(consequences, left),
      types: model.organisationTypes,
      regions: await listRegions(tx),
      systems: await listSystems(tx),
      shortNameMax: SHORT_NAME_MAX,
    },
    { status },
  );
}

function changeRoutes(context: DirectoryContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/organisations/:id/edit',
      access: 'directory.write',
      params: idParams,
      handle: async ({ actor, params }) =>
        await database.withActor(actor, async (tx) => {
          const facts = await findFacts(tx, params.id);
          if (facts === undefined) return notFound();
          return await factsForm(tx, context, { facts, typed: typedFacts(facts) });
        }),
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/edit',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, form, now }) {
        const facts = await database.withActor(actor, (tx) => findFacts(tx, params.id));
        if (facts === undefined) return notFound();
        const again = async (more: Omit<Shown, 'facts' | 'typed'>) =>
          await database.withActor(actor, (tx) =>
            factsForm(tx, context, { facts, typed: form, ...more }),
          );
        const row = parseFacts(form, model, facts.code);
        if (!row.ok) return await again({ refused: row });
        const change = { id: params.id, version: many(form['version'])[0] ?? '', row: row.value };
        const today = londonDay(now);
        const left = await database.attempt(actor, (tx) =>
          listAudiencesLeftBy(tx, change, { rules: model, today }),
        );
        if (!left.ok) return await again({ refused: left });
        const consequences = consequencesOf(row.value, facts, now);
        const said = saidOf(consequences, left.value);
        if (said !== '' && many(form['said'])[0] !== said)
          return await again({ consequences, left: left.value });
        const done = await database.attempt(actor, (tx) => changeFacts(tx, change, model));
        if (!done.ok) return await again({ refused: done });
        const notice =
          done.value.length === 0 ? 'Nothing was changed.' : 'The details are changed.';
        return redirect(`/organisations/${params.id}`, { notice });
      },
    }),
  ];
}

/** What was said before it is saved, as one word of the form: said anew where it has changed. */
function saidOf(consequences: readonly string[], left: readonly { readonly id: string }[]): string {
  return [...consequences, ...left.map(({ id }) => id)].join(' ');
}

function addRoutes(context: DirectoryContext): Route[] {
  const { database, model } = context;
  const show = async (actor: Actor, shown: Shown) =>
    await database.withActor(actor, (tx) => factsForm(tx, context, shown));
  return [
    page({
      method: 'GET',
      path: '/organisations/new',
      access: 'directory.write',
      handle: async ({ actor }) => await show(actor, { typed: {} }),
    }),
    page({
      method: 'POST',
      path: '/organisations/new',
      access: 'directory.write',
      async handle({ actor, form }) {
        const row = parseFacts(form, model);
        if (!row.ok) return await show(actor, { typed: form, refused: row });
        const added = { id: formIdOf(form), row: row.value };
        const done = await database.attempt(actor, (tx) => addOrganisation(tx, added, model));
        if (!done.ok) return await show(actor, { typed: form, refused: done });
        const notice = 'Added. Now say who is to be told.';
        return redirect(`/organisations/${done.value}`, { notice });
      },
    }),
  ];
}

function domainRoute({ database }: DirectoryContext): Route {
  return page({
    method: 'POST',
    path: '/organisations/:id/domains',
    access: 'directory.write',
    params: idParams,
    async handle({ actor, params, form }) {
      const isOwn = many(form['isOwn'])[0] === 'yes';
      const domain = many(form['domain'])[0] ?? '';
      const change = { organisationId: params.id, domain, isOwn };
      const done = await database.attempt(actor, (tx) => setMailDomain(tx, change));
      if (!done.ok && done.kind !== 'invalid') return refusedPage(done);
      const notice = done.ok
        ? `${done.value} ${isOwn ? 'is' : 'is not'} on their own network.`
        : `${done.message}.`;
      return redirect(`/organisations/${params.id}`, { notice });
    },
  });
}

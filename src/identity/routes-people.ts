/** The people of the centre: who is here, what they may do, how they get in. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import { ok, type Outcome, type Refused } from '#kernel/outcome.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Route,
} from '#web/index.ts';
import { invitePerson, setActive } from './actions.ts';
import type { IdentityContext } from './context.ts';
import { roleLabels } from './model.ts';
import { INVITATION_FIELDS, oneOf, parseInvitation, parseTerm } from './parse.ts';
import { personPage, roleChoices } from './person-page.ts';
import { unknownPlaces } from './refusals.ts';
import { endRole, giveRole, type HeldRole } from './roles.ts';
import { recoveryRoutes } from './routes-recovery.ts';
import { roleRequestRoutes } from './routes-role-requests.ts';
import { vouchedFor } from './routes-vouching.ts';
import { placesIn, PLACES, type Scope } from './scope.ts';
import { createSignInLink } from './sign-in.ts';
import { selectRecoveries } from './store-recovery.ts';
import { selectRoleRequests } from './store-role-request.ts';
import { selectPeople, selectPerson } from './store.ts';

const uuid = z.uuid();
const id = z.object({ id: uuid });

export function peopleRoutes(context: IdentityContext): Route[] {
  return [
    ...listRoutes(context),
    ...personRoutes(context),
    ...actRoutes(context),
    ...recoveryRoutes(context),
    ...roleRequestRoutes(context),
  ];
}

function listRoutes(context: IdentityContext): Route[] {
  const { database, model } = context;
  const form = (typed: Form = {}, why?: Refused) => ({
    form: formModel(INVITATION_FIELDS, typed, why && errorsAt('', why)),
    // After a conflict a new one, so that pressing again is a decision.
    formId: formIdOf(why?.kind === 'conflict' ? {} : typed),
    roles: roleChoices(model).filter(({ scope }) => scope === 'centre'),
  });
  return [
    page({
      method: 'GET',
      path: '/people',
      access: 'person.manage',
      handle: async ({ actor, now }) => {
        const { people, recoveries, asked, waiting } = await database.withActor(
          actor,
          async (tx) => ({
            people: await selectPeople(tx),
            recoveries: await selectRecoveries(tx, now),
            asked: await selectRoleRequests(tx, now),
            waiting: await vouchedFor(tx, context, now),
          }),
        );
        return view('identity/people.njk', {
          people: people.map((person) => ({ ...person, roles: roleLabels(model, person.roles) })),
          recoveries,
          waiting,
          asked: asked.map((one) => ({ ...one, label: roleLabels(model, [one.role])[0] })),
        });
      },
    }),
    page({
      method: 'GET',
      path: '/people/invite',
      access: 'person.manage',
      handle: async () => view('identity/invite.njk', form()),
    }),
    page({
      method: 'POST',
      path: '/people/invite',
      access: 'person.manage',
      fresh: true,
      handle: async (request) => {
        const { actor, now } = request;
        const parsed = parseInvitation(request.form);
        const id = formIdOf(request.form);
        const invited = parsed.ok
          ? await database.attempt(actor, (tx) =>
              invitePerson(tx, { ...parsed.value, id }, { model, now }),
            )
          : parsed;
        if (!invited.ok) {
          const { status } = refusalStatus(invited.kind);
          return view('identity/invite.njk', form(request.form, invited), { status });
        }
        const notice = 'Invited. Now make a sign-in link and hand it over.';
        return redirect(`/people/${invited.value}`, { notice });
      },
    }),
  ];
}

function personRoutes(context: IdentityContext): Route[] {
  const { database, model, origin } = context;
  return [
    page({
      method: 'GET',
      path: '/people/:id',
      access: 'person.manage',
      params: id,
      handle: async ({ actor, params, now }) =>
        await database.withActor(actor, (tx) => personPage(tx, context, params.id, { now })),
    }),
    page({
      method: 'POST',
      path: '/people/:id/link',
      access: 'person.manage',
      fresh: true,
      params: id,
      handle: async ({ actor, params, form, now }) => {
        const personId = params.id;
        const { link, person } = await database.withActor(actor, async (tx) => ({
          link: await createSignInLink(tx, { personId, model, now, id: formIdOf(form) }),
          person: await selectPerson(tx, personId),
        }));
        if (!link.ok) return refusedPage(link);
        return view('identity/link.njk', {
          person: { id: personId, name: person?.name ?? '' },
          href: `${origin}/sign-in/link/${link.value.token}`,
          expiresAt: link.value.expiresAt,
          waits: false,
        });
      },
    }),
  ];
}

function actRoutes(context: IdentityContext): Route[] {
  const { database } = context;
  /** A button on the page of one person: does it, then back to the page with a word about it. */
  const act = (
    path: string,
    notice: string,
    verb: (tx: Tx, change: HeldRole & { now: Date }) => Promise<Outcome<void>>,
    fresh?: true,
  ) =>
    page({
      method: 'POST',
      path,
      access: 'person.manage',
      fresh,
      params: id,
      handle: async ({ actor, params, form, now }) => {
        const scope = {
          organisationId: uuid.safeParse(oneOf(form, 'organisationId')).data ?? null,
          regionCode: oneOf(form, 'region') || null,
          spaceId: uuid.safeParse(oneOf(form, 'space')).data ?? null,
        };
        const change = { personId: params.id, role: oneOf(form, 'role'), ...scope, now };
        const done = await database.withActor(actor, (tx) => verb(tx, change));
        return done.ok ? redirect(`/people/${params.id}`, { notice }) : refusedPage(done);
      },
    });
  return [
    giveRoute(context),
    act(
      '/people/:id/roles/end',
      'Role ended.',
      (tx, { now, ...held }) => endRole(tx, held, { now }),
      true,
    ),
    // Without another proof: whoever locks somebody out is in a hurry.
    act('/people/:id/lock', 'Locked out, and signed out everywhere.', (tx, { now, personId }) =>
      setActive(tx, { personId, active: false }, { now }),
    ),
    act(
      '/people/:id/unlock',
      'Unlocked.',
      (tx, { now, personId }) => setActive(tx, { personId, active: true }, { now }),
      true,
    ),
  ];
}

/** A role of the centre, or one for the organisation or the region with this code, or a space. */
function giveRoute(context: IdentityContext): Route {
  const { database, model } = context;
  return page({
    method: 'POST',
    path: '/people/:id/roles',
    access: 'person.manage',
    fresh: true,
    params: id,
    handle: async ({ actor, params, form, now }) => {
      const term = parseTerm(form, now);
      const given = await database.attempt(actor, async (tx) => {
        if (!term.ok) return term;
        const scope = await findScope(tx, context, form);
        if (!scope.ok) return scope;
        const held = { personId: params.id, role: oneOf(form, 'role'), ...scope.value };
        return await giveRole(tx, { ...held, ...term.value }, { model, now });
      });
      if (given.ok) return redirect(`/people/${params.id}`, { notice: notices[given.value] });
      if (given.kind !== 'invalid') return refusedPage(given);
      return await database.withActor(actor, (tx) =>
        personPage(tx, context, params.id, { now, failed: { form, refused: given } }),
      );
    },
  });
}

/** What was typed and chosen: where there is no such one, the role is not for the whole centre. */
async function findScope(
  tx: Tx,
  { organisations }: IdentityContext,
  form: Form,
): Promise<Outcome<Scope>> {
  const said = {
    organisation: oneOf(form, 'organisation').trim().toUpperCase(),
    region: oneOf(form, 'region'),
    space: oneOf(form, 'space'),
  };
  const organisation =
    said.organisation === '' ? undefined : await organisations?.findByCode(tx, said.organisation);
  const regions = (await organisations?.listRegions(tx)) ?? [];
  const scope = {
    organisationId: organisation?.id ?? null,
    regionCode: regions.find(({ code }) => code === said.region)?.code ?? null,
    spaceId: uuid.safeParse(said.space).data ?? null,
  };
  const found = placesIn(scope);
  const unknown = PLACES.filter((place) => said[place] !== '' && !found.includes(place));
  return unknown.length > 0 ? unknownPlaces(unknown) : ok(scope);
}

const notices = {
  given: 'Role given.',
  asked: 'Asked for. A second person who manages people has to agree.',
} as const;

/** The page of one person: what they hold and held, what waits for a second one, their way in. */
import type { Tx } from '#db/database.ts';
import { actorId, permissions } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import {
  dateOnly,
  errorsAt,
  formIdOf,
  formModel,
  notFound,
  refusalStatus,
  view,
  type Form,
  type Reply,
} from '#web/index.ts';
import type { IdentityContext } from './context.ts';
import { isSelf, roleLabels, type RoleModel } from './model.ts';
import { lastDayOf, oneOf, termWords } from './parse.ts';
import { listRecoveries, needsRecovery } from './recovery.ts';
import { listAskedRoles } from './roles.ts';
import { scopeOf, type Scope } from './scope.ts';
import { selectGrants, selectPerson } from './store.ts';
import { selectSpaces } from './spaces/store.ts';

/** Of the form that gives a role from and until a day. */
const TIMED_FIELDS = ['role', 'organisation', 'region', 'space', 'from', 'until'] as const;

export async function personPage(
  tx: Tx,
  { model, organisations }: IdentityContext,
  personId: string,
  { now, failed }: { now: Date; failed?: { form: Form; refused: Refused } },
): Promise<Reply> {
  const person = await selectPerson(tx, personId);
  if (person === undefined) return notFound();
  const held = new Set(person.roles);
  const grants = await selectGrants(tx, personId);
  const asked = await listAskedRoles(tx, now, personId);
  const { regions, spaces, placeOf } = await readPlaces(tx, organisations, [...grants, ...asked]);
  const shown = grants.map((grant) => ({
    ...grant,
    term: termWords(grant, now),
    lastDay: grant.endsAt && dateOnly(lastDayOf(grant.endsAt)),
    isToCome: grant.endedAt === null && grant.startsAt !== null && grant.startsAt > now,
    label: roleLabels(model, [grant.role])[0] ?? grant.role,
    place: placeOf(grant),
  }));
  const errors = failed ? errorsAt('organisation', failed.refused) : {};
  const isTimed = failed !== undefined && oneOf(failed.form, 'timed') !== '';
  return view(
    'identity/person.njk',
    {
      person,
      formId: formIdOf({}),
      isSelf: isSelf(tx.actor, personId),
      needsRecovery: await needsRecovery(tx, personId, model),
      asked: asked.map((one) => ({
        ...one,
        label: roleLabels(model, [one.role])[0] ?? one.role,
        term: termWords(one, now),
        place: placeOf(one),
        isMine: one.askedBy === actorId(tx.actor),
      })),
      recoveries: (await listRecoveries(tx, now, personId)).map((one) => ({
        ...one,
        isMine: one.askedBy === actorId(tx.actor),
      })),
      regions: regions.map(({ code, name }) => ({ value: code, text: name })),
      spaces: spaces.map(({ id, name }) => ({ value: id, text: name })),
      roles: roleChoices(model).map((role) => ({
        ...role,
        held: held.has(role.key),
        heldFor: shown.filter((grant) => grant.role === role.key && grant.endedAt === null),
        form: formModel(
          ['organisation', 'region', 'space'],
          ...(failed && !isTimed && oneOf(failed.form, 'role') === role.key
            ? [failed.form, errors]
            : []),
        ),
      })),
      grants: shown,
      timed: formModel(TIMED_FIELDS, ...(isTimed ? [failed.form, errors] : [])),
      // Without links: each role for organisations has a field of its own.
      form: formModel([], {}, errors),
    },
    failed ? { status: refusalStatus(failed.refused.kind).status } : {},
  );
}

/** What a role can be given for, and the names of what these are given for. */
async function readPlaces(
  tx: Tx,
  organisations: IdentityContext['organisations'],
  given: readonly Scope[],
) {
  const ids = given.flatMap(({ organisationId }) => organisationId ?? []);
  const named = (await organisations?.listNames(tx, ids)) ?? [];
  const regions = (await organisations?.listRegions(tx)) ?? [];
  const spaces = await selectSpaces(tx, 'all');
  const names = new Map([
    ...[...named, ...spaces].map(({ id, name }) => [id, name] as const),
    ...regions.map(({ code, name }) => [code, name] as const),
  ]);
  return {
    regions,
    spaces: spaces.filter(({ closedAt }) => closedAt === null),
    /** Undefined: for the centre. */
    placeOf: ({ organisationId, regionCode, spaceId }: Scope): string | undefined => {
      const key = organisationId ?? regionCode ?? spaceId;
      return key === null ? undefined : (names.get(key) ?? regionCode ?? 'not known');
    },
  };
}

export function roleChoices(model: RoleModel) {
  return Object.entries(model.roles).map(([key, { label, may }]) => ({
    key,
    label,
    scope: scopeOf(model, key),
    may: may.map((permission) => permissions[permission]),
  }));
}

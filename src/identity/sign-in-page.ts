/** The page to begin at, which several doors come back to when they were of no use. */
import { system } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import { formModel, refusalStatus, view, type Reply } from '#web/index.ts';
import type { IdentityContext } from './context.ts';
import { permissionsOf, roleLabels } from './model.ts';
import { selectIssuers } from './store-issuer.ts';
import { selectPeople } from './store.ts';

const asker = system('sign-in');

/** With why not, where somebody tried. */
export async function signInPage(
  context: IdentityContext,
  visitor: { readonly to: string; readonly signedIn: string },
  why?: Refused,
): Promise<Reply> {
  const isDemonstration = context.installation.kind === 'demonstration';
  const people = isDemonstration ? await demonstrationPeople(context) : [];
  const all = await context.database.withActor(asker, (tx) => selectIssuers(tx));
  const issuers = all.filter(({ offAt }) => offAt === null);
  const form = formModel([], {}, why === undefined ? {} : { '': why.message });
  return view(
    'identity/sign-in.njk',
    { people, isDemonstration, issuers, form, ...visitor },
    why === undefined ? {} : { status: refusalStatus(why.kind).status },
  );
}

/** Whoever may do something, with what: so that a newcomer sees whom to be for which task. */
async function demonstrationPeople({ database, model }: IdentityContext) {
  const people = await database.withActor(asker, (tx) => selectPeople(tx));
  return people
    .filter(({ active, roles }) => active && permissionsOf(model, roles).size > 0)
    .map(({ id, name, roles }) => ({ id, name, roles: roleLabels(model, roles).join(', ') }));
}

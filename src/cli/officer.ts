/** Who answers for what a command does: a person of the centre, named by mail address. */
import type { Database } from '#db/database.ts';
import { findPersonByEmail, permissionsOf, type RoleModel } from '#identity/index.ts';
import { system, type Actor } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';

export async function findOfficer(
  { database, model }: { readonly database: Database; readonly model: RoleModel },
  email: string,
): Promise<Outcome<Actor>> {
  if (email === '') return refused('invalid', 'Say who answers for it: --by ADDRESS');
  const person = await database.withActor(system('command'), (tx) =>
    findPersonByEmail(tx, email.trim().toLowerCase()),
  );
  if (person?.active !== true)
    return refused('not_found', 'Nobody who is active has this address.');
  const { id, name, roles } = person;
  return ok({ kind: 'person', id, name, permissions: permissionsOf(model, roles) });
}

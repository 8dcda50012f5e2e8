import type { Client, ClientConfig } from 'pg';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { DatabaseRole } from './database.ts';
import { SESSION } from './session.ts';

/**
 * How to connect to a PostgreSQL of the operator (DATABASE_URL). Its one login owns the tables;
 * web and worker step down from it with their connection's first breath.
 */
export function configFromUrl(url: string, role: DatabaseRole): ClientConfig {
  const settings = role === 'tocsin_owner' ? '' : ` -c role=${role}`;
  return { connectionString: url, options: `${SESSION}${settings}` };
}

const ROLES = ['tocsin_web', 'tocsin_worker', 'tocsin_sequencer'] as const;

/** What a database administrator must run where our login may not make roles itself. */
function statementsFor(login: string): string {
  return [
    ...ROLES.map((role) => `create role ${role} nologin;`),
    `grant ${ROLES.join(', ')} to ${login};`,
  ].join(' ');
}

type Standing = {
  login: string;
  superuser: boolean;
  createRole: boolean;
  present: string[];
  usable: string[];
};

/** Makes the roles that the migrations grant to, and lets the login step down to them. */
export async function ensureRoles(client: Client): Promise<Outcome<void>> {
  const { rows } = await client.query<Standing>(
    `select quote_ident(current_user) as login, me.rolsuper as superuser,
       me.rolcreaterole as "createRole",
       array(select rolname::text from pg_roles where rolname = any($1)) as present,
       array(select rolname::text from pg_roles
         where rolname = any($1) and pg_has_role(current_user, oid, 'member')) as usable
     from pg_roles as me where me.rolname = current_user`,
    [ROLES],
  );
  const standing = rows[0]!;
  const missing = ROLES.filter((role) => !standing.present.includes(role));
  // The embedded server has a login for each role; there nobody steps down.
  const stepsDown = standing.login !== 'tocsin_owner' && !standing.superuser;
  const unusable = stepsDown ? ROLES.filter((role) => !standing.usable.includes(role)) : [];
  if (missing.length === 0 && unusable.length === 0) return ok(undefined);
  if (!standing.createRole && !standing.superuser) return askForRoles(standing.login);
  try {
    for (const role of missing) await client.query(`create role ${role} nologin`);
    for (const role of unusable) await client.query(`grant ${role} to ${standing.login}`);
  } catch {
    return askForRoles(standing.login);
  }
  return ok(undefined);
}

function askForRoles(login: string): Outcome<never> {
  return refused(
    'forbidden',
    `The login of DATABASE_URL lacks the roles ${ROLES.join(', ')} and may not make ` +
      `them. Let an administrator of that server run: ${statementsFor(login)}`,
  );
}

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

type Standing = {
  readonly login: string;
  readonly mayMake: boolean;
  /** Roles that the server does not have. */
  readonly missing: readonly string[];
  /** Roles that the login cannot step down to, there or not. */
  readonly unusable: readonly string[];
};

/** Makes the roles that the migrations grant to, and lets the login step down to them. */
export async function ensureRoles(client: Client): Promise<Outcome<void>> {
  const { login, mayMake, missing, unusable } = await findStanding(client);
  if (mayMake) {
    try {
      for (const role of missing) await client.query(`create role ${role} nologin`);
      for (const role of unusable) await client.query(`grant ${role} to ${login}`);
    } catch {
      // What is lacking then is said below: some are made, or another process made them.
    }
  }
  const left = await findStanding(client);
  const lacking = ROLES.filter((role) => [...left.missing, ...left.unusable].includes(role));
  return lacking.length === 0 ? ok(undefined) : askForRoles(left, lacking);
}

async function findStanding(client: Client): Promise<Standing> {
  const { rows } = await client.query<
    Pick<Standing, 'login' | 'mayMake'> & {
      stepsDown: boolean;
      present: string[];
      usable: string[];
    }
  >(
    `select quote_ident(current_user) as login, me.rolsuper or me.rolcreaterole as "mayMake",
       -- The embedded server has a login for each role; there nobody steps down.
       current_user <> 'tocsin_owner' and not me.rolsuper as "stepsDown",
       array(select rolname::text from pg_roles where rolname = any($1)) as present,
       array(select rolname::text from pg_roles
         where rolname = any($1) and pg_has_role(current_user, oid, 'member')) as usable
     from pg_roles as me where me.rolname = current_user`,
    [ROLES],
  );
  const { login, mayMake, stepsDown, present, usable } = rows[0]!;
  return {
    login,
    mayMake,
    missing: ROLES.filter((role) => !present.includes(role)),
    unusable: stepsDown ? ROLES.filter((role) => !usable.includes(role)) : [],
  };
}

/** What a database administrator must run where our login may not do it itself. */
function askForRoles(
  { login, missing, unusable }: Standing,
  lacking: readonly string[],
): Outcome<never> {
  const statements = [
    ...missing.map((role) => `create role ${role} nologin;`),
    ...(unusable.length === 0 ? [] : [`grant ${unusable.join(', ')} to ${login};`]),
  ];
  return refused(
    'forbidden',
    `The login of DATABASE_URL lacks the roles ${lacking.join(', ')} and may not ` +
      `${missing.length === 0 ? 'take' : 'make'} them. ` +
      `Let an administrator of that server run: ${statements.join(' ')}`,
  );
}

/** Whether words have a person's name: as words of their own, in any case. */
import { sql, type Sql } from './sql.ts';

/** What is about Al is not what is "also": a name counts between other signs than letters. */
export function namedIn(words: Sql, names: readonly string[]): Sql {
  const patterns = names.map((name) => `(^|\\W)${name.replace(SIGNS, '\\$&')}(\\W|$)`);
  return sql`exists (select from unnest(${patterns}::text[]) as told (pattern)
    where ${words} ~* told.pattern)`;
}

/** Those that mean something in a pattern of PostgreSQL (its manual, section 9.7.3). */
const SIGNS = /[\\^$.|?*+()[\]{}]/g;

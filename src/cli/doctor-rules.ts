/** `bin/tocsin doctor` looks at the rules: those of the file, and those in force. */
import { system } from '#kernel/actor.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { migrate } from '#db/migrate.ts';
import { findRules, loadOperatingModel } from '#operating-model/index.ts';
import type { Finding } from './finding.ts';

/** `owner`: undefined where no database runs. */
export async function checkRules(
  file: string,
  owner: Database['config'] | undefined,
): Promise<Finding> {
  const read = await loadOperatingModel(file);
  const due = owner && (await migrate({ config: owner, check: true }));
  if (owner === undefined || !due?.ok || due.value.names.length > 0)
    return read.ok
      ? { state: 'ok', found: `${file} is right` }
      : { state: 'fail', found: read.message, mend: 'Put these lines right.' };
  const database = openDatabase(owner, { connectionsMax: 1 });
  try {
    const rules = await database.attempt(system('doctor'), (tx) => findRules(tx, read));
    if (!rules.ok) return { state: 'fail', found: rules.message, mend: 'Put these lines right.' };
    const { model, notes } = rules.value;
    const found = `${model.name}, version ${model.version.slice(0, 12)}`;
    if (notes.length === 0) return { state: 'ok', found };
    const mend = 'Propose the file on the page of the rules, or put it right.';
    return { state: 'warn', found: `${found}. ${notes.join(' ')}`, mend };
  } finally {
    await database.end();
  }
}

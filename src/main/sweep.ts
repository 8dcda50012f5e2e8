/** What goes each night: by `retention` of the rules, and what is worth nothing after a day. */
import type { Database } from '#db/database.ts';
import { forgetOld } from '#dispatch/index.ts';
import { sweepIdentity } from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import {
  forgetContactsLeft,
  forgetImports,
  forgetOwnCodes,
  forgetUnusedPoints,
} from '#organisations/index.ts';
import { deleteOldTries, forgetOldNotes } from '#responses/index.ts';

type Swept = { readonly database: Database; readonly model: Pick<OperatingModel, 'retention'> };

export async function sweep({ database, model }: Swept): Promise<void> {
  const kept = { ...model.retention, now: new Date() };
  await database.withActor(system('sweep'), (tx) => deleteOldTries(tx));
  await database.withActor(system('sweep'), (tx) => sweepIdentity(tx, kept));
  await forgetOld(database, kept);
  await forgetImports(database, kept);
  await forgetContactsLeft(database, kept);
  await forgetOldNotes(database, kept);
  await forgetOwnCodes(database, kept.now);
  // Last: a code of the last day may still make one of them somebody's.
  await forgetUnusedPoints(database);
}

/** What a visitor began, which is for nobody else: a file on its way in, an app, an undo. */
import assert from 'node:assert/strict';
import { actorId, may, system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { keepUpload } from '#organisations/index.ts';
import { must, type Centre } from '../support/centre.ts';
import type { Named } from './named.ts';
import type { Visitor } from './visitors.ts';

/**
 * What each visitor has for themselves, where they may have it at all: a file that was checked, an
 * app that is being set up, and the undo of an import that a key began. The officer, who is no
 * visitor, has a file and an undo too.
 */
export async function makeOfVisitors(
  centre: Centre,
  visitors: readonly Visitor[],
  begun: (pattern: string, path: string, visitor: Visitor) => Promise<string>,
): Promise<Named[]> {
  const undoPath = '/api/v1/imports/:id/undo';
  const importId = await lastImport(centre);
  const undoId = newId();
  const undo = { form: new URLSearchParams({ formId: undoId }) };
  const page = centre.visit(centre.officer);
  const posted = await page.request('POST', `/organisations/imports/${importId}/undo`, undo);
  assert.equal(posted.status, 303);
  const named: Named[] = [
    { kind: 'undo_run', which: 'other', id: undoId },
    { kind: 'run', which: 'other', id: await keepFile(centre, centre.officer) },
  ];
  const { passkeyFor } = centre.model.signingIn;
  for (const visitor of visitors) {
    const { actor } = visitor;
    const own = (kind: string, id: string) =>
      named.push({ kind, which: 'own', id, of: actorId(actor) });
    // Who needs a passkey has no app beside it.
    if (actor.kind === 'person' && !passkeyFor.some((one) => actor.permissions.has(one)))
      own('app', await begun('/account/app', '/account/app', visitor));
    if (visitor.spaceId !== undefined) own('space', visitor.spaceId);
    if (!may(actor, 'directory.write')) continue;
    if (actor.kind === 'person') own('run', await keepFile(centre, actor));
    else own('undo_run', await begun(undoPath, undoPath.replace(':id', importId), visitor));
  }
  return named;
}

async function lastImport({ db }: Centre): Promise<string> {
  const { id } = await db.owner.withActor(system('test'), (tx) =>
    tx.one<{ id: string }>(sql`select id from organisations.import order by id desc limit 1`),
  );
  return id;
}

/** A file of this person as if the worker had checked it. */
async function keepFile({ db, product }: Centre, actor: Actor): Promise<string> {
  const bytes = new TextEncoder().encode('code,name,type\nZZ-0009,Ninth Trust,trust\n');
  const upload = { kind: 'organisations', name: 'o.csv', bytes, allOrNothing: false } as const;
  const given = { secrets: product.seals.directory, now: new Date() };
  const id = must(await db.web.attempt(actor, (tx) => keepUpload(tx, upload, given)));
  const counts = { added: 1, changed: 0, closed: 0, moved: 0, unchanged: 0, refused: 0 };
  const at = given.now.toISOString();
  const result = { counts, notes: [], withheld: false, at, digest: 'd'.repeat(64) };
  await db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update organisations.import_run
      set state = 'checked', result = ${JSON.stringify(result)}::jsonb where id = ${id}`),
  );
  return id;
}

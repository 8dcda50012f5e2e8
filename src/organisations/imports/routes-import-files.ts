/** What a person takes away of a checked file: refused rows to be mended, and all changes. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import { open } from '#kernel/sealed.ts';
import { file, notFound, page, type Route } from '#web/index.ts';
import { changesHead, changesLines, CSV_MARK, refusedHead, refusedLine } from './csv.ts';
import { findOthersRun, findOwnRun } from './import-run.ts';
import type { FieldChange, RowOutcome } from '../model.ts';
import type { OrganisationRoutesContext } from '../routes-context.ts';
import { findRunHeader, listRefusedCells, listRows } from './store-run.ts';

const CSV = 'text/csv; charset=utf-8';
const idParams = z.object({ id: z.uuid() });
/** Rows that are read and unsealed together: a few milliseconds. */
const ROWS_AT_ONCE = 1_000;
const changing: readonly Exclude<RowOutcome, 'refused' | 'unchanged'>[] = [
  'added',
  'changed',
  'closed',
  'moved',
];

export function downloadRoutes(context: OrganisationRoutesContext): Route[] {
  const { database, secrets } = context;
  const route = (name: 'refused' | 'changes', rowsOf: typeof refusedRows): Route =>
    page({
      method: 'GET',
      path: `/organisations/import/:id/${name}.csv`,
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, now }) {
        const given = { secrets, now };
        const run = await database.withActor(
          actor,
          async (tx) =>
            (await findOwnRun(tx, id, given)) ??
            // Whoever may agree sees all that it would change; what was refused holds numbers.
            (name === 'changes' ? await findOthersRun(tx, id, given) : undefined),
        );
        if (run?.result === undefined || run.result === null) return notFound();
        const stem = run.name.replace(/\.[A-Za-z]{1,4}$/, '');
        return file(`${stem}-${name}.csv`, CSV, rowsOf(context, actor, id));
      },
    });
  return [route('refused', refusedRows), route('changes', changedRows)];
}

async function* refusedRows(
  { database, secrets: { openingKeys } }: OrganisationRoutesContext,
  actor: Actor,
  id: string,
): AsyncGenerator<string> {
  yield CSV_MARK;
  const header = await database.withActor(actor, (tx) => findRunHeader(tx, id));
  if (header === undefined) return;
  const first = JSON.parse(open(openingKeys, `import_header|${id}`, header)) as string[];
  yield refusedHead(first);
  let after = 0;
  for (;;) {
    const rows = await database.withActor(actor, (tx) =>
      listRefusedCells(tx, id, { after, limit: ROWS_AT_ONCE }),
    );
    if (rows.length === 0) return;
    yield rows
      .map(({ line, details, cellsSealed }) => {
        const opened = open(openingKeys, `import_row|${id}|${line}`, cellsSealed);
        const reasons = details as { field: string; reason: string }[];
        return refusedLine(first, { line, cells: JSON.parse(opened) as string[], reasons });
      })
      .join('');
    after = rows.at(-1)!.line;
  }
}

async function* changedRows(
  { database }: OrganisationRoutesContext,
  actor: Actor,
  id: string,
): AsyncGenerator<string> {
  yield CSV_MARK + changesHead;
  let after = 0;
  for (;;) {
    const rows = await database.withActor(actor, (tx) =>
      listRows(tx, id, { outcomes: changing, after, limit: ROWS_AT_ONCE }),
    );
    if (rows.length === 0) return;
    yield rows
      .map(({ details, ...row }) =>
        changesLines({
          ...row,
          outcome: row.outcome as 'added',
          changes: details as FieldChange[],
        }),
      )
      .join('');
    after = rows.at(-1)!.line;
  }
}

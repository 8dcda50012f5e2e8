/** Importing in two steps, "Check" and "Import", and the log of what was imported. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import type { FieldErrors, Refused } from '#kernel/outcome.ts';
import type { Database } from '#db/database.ts';
import {
  cursorOf,
  file,
  formModel,
  page,
  PAGE_ROWS,
  pageOf,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import {
  FILE_BYTES_MAX,
  importFields,
  kindLabels,
  parseUpload,
  refusedDownload,
  tooLarge,
} from './form-import.ts';
import {
  checkKeptFile,
  importKeptFile,
  keepFile,
  sweepKeptFiles,
  type CheckedFile,
  type ImportContext,
} from './form-kept-file.ts';
import type { DirectorySecrets } from './actions.ts';
import type { AudienceRules, ImportCounts } from './model.ts';
import { contactColumns, type TextPermissions } from './parse-contact.ts';
import { organisationColumns } from './parse-organisation.ts';
import { listImports } from './store-pages.ts';

export type OrganisationRoutesContext = {
  readonly database: Database;
  /** The operating model. */
  readonly model: AudienceRules;
  readonly secrets: DirectorySecrets;
  readonly textPermissions?: TextPermissions;
};

const idParams = z.object({ id: z.uuid() });
const ROWS_SHOWN_MAX = 100;
/** More than a file may have, so that one somewhat too large is answered beside its field. */
const BODY_BYTES_MAX = FILE_BYTES_MAX + 4 * 1024 * 1024;

export function importRoutes(context: OrganisationRoutesContext): Route[] {
  return [...uploadRoutes(context), ...checkedRoutes(context), logRoute(context)];
}

function importContext({ model, secrets, textPermissions }: OrganisationRoutesContext) {
  return { rules: model, secrets, ...(textPermissions && { textPermissions }) };
}

function uploadRoutes(context: OrganisationRoutesContext): Route[] {
  const { database, model, secrets, textPermissions } = context;
  const rules = { ...model, ...(textPermissions && { textPermissions }) };
  return [
    page({
      method: 'GET',
      path: '/organisations/import',
      access: 'directory.write',
      query: z.object({ kind: z.string().optional().catch(undefined) }),
      handle: async ({ query }) => importForm(query.kind === undefined ? {} : { kind: query.kind }),
    }),
    page({
      method: 'POST',
      path: '/organisations/import',
      access: 'directory.write',
      bodyBytesMax: BODY_BYTES_MAX,
      async handle({ actor, form, files, now }) {
        const upload = parseUpload(form, files, rules);
        if (!upload.ok) return importForm(form, { errors: upload.fields });
        await sweepKeptFiles(database, now);
        const id = await database.withActor(actor, (tx) =>
          keepFile(tx, upload.value, { secrets, now }),
        );
        return redirect(`/organisations/import/${id}`);
      },
    }),
  ];
}

type Failed = { readonly errors: FieldErrors; readonly status?: number };

function importForm(typed: Form, failed?: Failed): Reply {
  return view(
    'organisations/import.njk',
    {
      form: formModel(importFields, typed, failed?.errors ?? {}),
      fileBytesMax: FILE_BYTES_MAX,
      tooLarge,
      organisationColumns,
      contactColumns,
    },
    failed === undefined ? {} : { status: failed.status ?? 422 },
  );
}

function checkedRoutes(context: OrganisationRoutesContext): Route[] {
  const { database } = context;
  const check = async (actor: Actor, id: string, now: Date) =>
    await database.withActor(actor, (tx) =>
      checkKeptFile(tx, id, { ...importContext(context), now }),
    );
  return [
    page({
      method: 'GET',
      path: '/organisations/import/:id',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, now }) {
        const checked = await check(actor, params.id, now);
        if (checked.ok) return view('organisations/checked.njk', checkedModel(checked.value));
        return refusedFilePage(checked);
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/import/:id',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, now }) {
        const options: ImportContext & { now: Date } = { ...importContext(context), now };
        const done = await database.attempt(actor, (tx) => importKeptFile(tx, params.id, options));
        if (!done.ok) return refusedFilePage(done);
        return redirect(`/organisations/import/${params.id}`);
      },
    }),
    page({
      method: 'GET',
      path: '/organisations/import/:id/refused.csv',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, now }) {
        const checked = await check(actor, params.id, now);
        if (!checked.ok) {
          return refusedFilePage(checked);
        }
        const { name, bytes, result } = checked.value;
        const stem = name.replace(/\.[A-Za-z]{1,4}$/, '');
        const rows = refusedDownload(bytes, result.refusedRows);
        return file(`${stem}-refused.csv`, 'text/csv; charset=utf-8', rows);
      },
    }),
  ];
}

/** Absent, expired and somebody else's look alike; the way on is the same. */
function refusedFilePage(why: Refused): Reply {
  if (why.kind !== 'not_found') return refusedPage(why);
  return importForm({}, { errors: { file: why.message }, status: 404 });
}

function checkedModel(checked: CheckedFile) {
  const { id, kind, name, expiresAt, imported, result } = checked;
  const counts = imported?.counts ?? result.counts;
  const refusedLines = Map.groupBy(result.refusedRows, (one) => one.line);
  return {
    id,
    kind,
    kindLabel: kindLabels[kind],
    name,
    expiresAt,
    importedAt: imported?.at ?? null,
    counts,
    goodRows: goodRows(counts),
    changes: counts.added + counts.changed,
    notes: result.notes,
    refusedRows: Array.from(refusedLines, ([line, reasons]) => ({ line, reasons })).slice(
      0,
      ROWS_SHOWN_MAX,
    ),
  };
}

function goodRows({ added, changed, unchanged }: ImportCounts): number {
  return added + changed + unchanged;
}

function logRoute({ database }: OrganisationRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/organisations/imports',
    access: 'directory.read',
    query: z.object({
      after: cursorOf(z.tuple([z.uuid()]))
        .optional()
        .catch(undefined),
    }),
    async handle({ actor, query }) {
      const [after] = query.after ?? [];
      const found = await database.withActor(actor, (tx) =>
        listImports(tx, { ...(after !== undefined && { after }), limit: PAGE_ROWS + 1 }),
      );
      const { rows, next } = pageOf(found, PAGE_ROWS, ({ id }) => [id]);
      const imports = rows.map((row) => ({ ...row, kindLabel: kindLabels[row.kind] }));
      return view('organisations/imports.njk', { imports, next });
    },
  });
}

/** Importing by page: upload, columns, check, import; the work itself is done in the background. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { actorId, type Actor } from '#kernel/actor.ts';
import type { FieldErrors, Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  cursorOf,
  notFound,
  page,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { FILE_BYTES_MAX, parseColumns, parseUpload } from './form-import.ts';
import {
  cancelRun,
  chooseColumns,
  findColumns,
  findOthersRun,
  findOwnRun,
  gone,
  keepUpload,
  listOwnRuns,
  restartRun,
  sweepRuns,
  type OwnRun,
  type RunContext,
} from './import-run.ts';
import { confirmRun } from './confirm-run.ts';
import { importForm, refusedRunPage, type Failed } from './import-form-page.ts';
import { rowOutcomes } from '../model.ts';
import type { OrganisationRoutesContext } from '../routes-context.ts';
import { checkedPage, isGoodRowsOnly, proposeRoute } from './routes-import-checked.ts';
import { downloadRoutes } from './routes-import-files.ts';
import { logRoutes, undoneSentence } from './routes-import-log.ts';
import { statesBefore, workingStates, type RunState } from './run.ts';
import { findUndone } from './store-undo.ts';
import { columnsModel, progressModel } from './view-import.ts';

export type { OrganisationRoutesContext } from '../routes-context.ts';

const idParams = z.object({ id: z.uuid() });
/** More than a file may have, so that one somewhat too large is answered beside its field. */
const BODY_BYTES_MAX = FILE_BYTES_MAX + 4 * 1024 * 1024;
/** A small file is done by then, and nobody sees that it was work. */
const PATIENCE_MS = 1_500;
const LOOK_MS = 50;

export function importRoutes(context: OrganisationRoutesContext): Route[] {
  return [
    ...uploadRoutes(context),
    runRoute(context),
    ...actRoutes(context),
    proposeRoute(context),
    ...columnsRoutes(context),
    ...downloadRoutes(context),
    ...logRoutes(context),
  ];
}

function uploadRoutes({ database, secrets }: OrganisationRoutesContext): Route[] {
  const form = async (actor: Actor, now: Date, typed: Form, failed?: Failed) => {
    const runs = await database.withActor(actor, (tx) => listOwnRuns(tx, { secrets, now }));
    return importForm(runs, typed, failed);
  };
  return [
    page({
      method: 'GET',
      path: '/organisations/import',
      access: 'directory.write',
      query: z.object({ kind: z.string().optional().catch(undefined) }),
      handle: async ({ actor, query, now }) =>
        await form(actor, now, query.kind === undefined ? {} : { kind: query.kind }),
    }),
    page({
      method: 'POST',
      path: '/organisations/import',
      access: 'directory.write',
      bodyBytesMax: BODY_BYTES_MAX,
      async handle({ actor, form: typed, files, now }) {
        const upload = parseUpload(typed, files);
        if (!upload.ok) return await form(actor, now, typed, { errors: upload.fields });
        await sweepRuns(database, now);
        const kept = await database.attempt(actor, (tx) =>
          keepUpload(tx, upload.value, { secrets, now }),
        );
        if (!kept.ok) return await form(actor, now, typed, { errors: { file: kept.message } });
        return redirect(`/organisations/import/${kept.value}`);
      },
    }),
  ];
}

const query = z.object({
  show: z
    .enum(Object.keys(rowOutcomes) as [keyof typeof rowOutcomes])
    .optional()
    .catch(undefined),
  after: cursorOf(z.tuple([z.int()]))
    .optional()
    .catch(undefined),
});

/** One address for the whole way of a file: what it shows is where the file is. */
function runRoute(context: OrganisationRoutesContext): Route {
  const { database, secrets } = context;
  return page({
    method: 'GET',
    path: '/organisations/import/:id',
    access: 'directory.write',
    params: idParams,
    query,
    async handle({ actor, params, query: { show, after }, now }) {
      const run =
        (await patientlyFind(database, actor, params.id, { secrets, now })) ??
        (await database.withActor(actor, (tx) => findOthersRun(tx, params.id, { secrets, now })));
      if (run === undefined) return refusedRunPage(gone);
      const isMine = run.uploadedBy === actorId(actor);
      if (run.state === 'choosing_columns') {
        return isMine ? await columnsPage(context, actor, run, { now }) : refusedRunPage(gone);
      }
      if (run.state === 'undone') return await undoneReply(database, actor, run.undoes!);
      if (run.state !== 'checked' && run.state !== 'imported') {
        return view('organisations/import-run.njk', { ...progressModel(run), isMine });
      }
      return await checkedPage(context, actor, run, { now, show, after });
    },
  });
}

/** What came of it stands in the log. */
async function undoneReply(database: Database, actor: Actor, importId: string): Promise<Reply> {
  const counts = await database.withActor(actor, (tx) => findUndone(tx, importId));
  const notice = counts && { notice: undoneSentence(counts) };
  return redirect('/organisations/imports', notice);
}

/** Waits a moment for work that is done at once. */
async function patientlyFind(
  database: Database,
  actor: Actor,
  id: string,
  context: RunContext,
): Promise<OwnRun | undefined> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const run = await database.withActor(actor, (tx) => findOwnRun(tx, id, context));
    const isWorking = run !== undefined && isAtWork(run.state);
    // What has been worked on for longer is not done in a moment.
    const isLong = isWorking && (run.elapsedMs ?? 0) > PATIENCE_MS;
    if (!isWorking || isLong || performance.now() > until) return run;
    await delay(LOOK_MS);
  }
}

function isAtWork(state: RunState): boolean {
  return (workingStates as readonly RunState[]).includes(state);
}

type Act = (
  tx: Tx,
  id: string,
  context: RunContext & { readonly form: Form },
) => Promise<Outcome<void>>;

function actRoutes({ database, secrets, model: rules }: OrganisationRoutesContext): Route[] {
  const acts: readonly (readonly [string, Act])[] = [
    [
      '',
      (tx, id, { form, ...given }) =>
        confirmRun(tx, id, { ...given, rules, goodRowsOnly: isGoodRowsOnly(form) }),
    ],
    ['/cancel', cancelRun],
    ['/again', restartRun],
  ];
  return acts.map(([path, act]) =>
    page({
      method: 'POST',
      path: `/organisations/import/:id${path}`,
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, form, now }) {
        const done = await database.attempt(actor, (tx) =>
          act(tx, params.id, { secrets, now, form }),
        );
        return done.ok ? redirect(`/organisations/import/${params.id}`) : refusedRunPage(done);
      },
    }),
  );
}

/** Where its columns may be said anew. */
const mayChoose: readonly RunState[] = ['choosing_columns', ...statesBefore('choosing_columns')];

function columnsRoutes(context: OrganisationRoutesContext): Route[] {
  const { database, secrets } = context;
  const find = async (actor: Actor, id: string, now: Date) =>
    await database.withActor(actor, (tx) => findOwnRun(tx, id, { secrets, now }));
  return [
    page({
      method: 'GET',
      path: '/organisations/import/:id/columns',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, now }) {
        const run = await find(actor, params.id, now);
        if (run === undefined) return refusedRunPage(gone);
        if (!mayChoose.includes(run.state)) return notFound();
        return await columnsPage(context, actor, run, { now });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/import/:id/columns',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, form, now }) {
        const run = await find(actor, params.id, now);
        if (run === undefined) return refusedRunPage(gone);
        const given = { secrets, now };
        const done = await database.attempt(actor, async (tx) => {
          const columns = await findColumns(tx, run, given);
          if (!columns.ok) return columns;
          const mapping = parseColumns(form, run.kind, columns.value.names.length);
          return await chooseColumns(tx, run.id, mapping, given);
        });
        if (done.ok) return redirect(`/organisations/import/${run.id}`);
        if (Object.keys(done.fields).length === 0) return refusedRunPage(done);
        return await columnsPage(context, actor, run, { now, form, errors: done.fields });
      },
    }),
  ];
}

type Typed = { readonly now: Date; readonly form?: Form; readonly errors?: FieldErrors };

async function columnsPage(
  { database, secrets, model }: OrganisationRoutesContext,
  actor: Actor,
  run: OwnRun,
  { now, ...typed }: Typed,
): Promise<Reply> {
  const columns = await database.withActor(actor, (tx) => findColumns(tx, run, { secrets, now }));
  if (!columns.ok) return refusedPage(columns);
  return view(
    'organisations/columns.njk',
    columnsModel(run, columns.value, { model, ...typed }),
    typed.errors === undefined ? {} : { status: 422 },
  );
}

/** The page of the audit: the head of its log, a search, and the found entries as files. */
import { may } from '#kernel/actor.ts';
import { isUuid } from '#kernel/ids.ts';
import type { Database, Tx } from '#db/database.ts';
import { file, page, view, type Reply, type Route } from '#web/index.ts';
import { proveEntries, provenCsv } from './export.ts';
import {
  readSearch,
  searchQuery,
  type AuditSearch,
  type Named,
  type SearchQuery,
} from './form-search.ts';
import { listEntries } from './list.ts';
import type { EntryPage } from './model.ts';
import { headOf, shownEntry, wordsOf } from './on-page.ts';
import { record } from './record.ts';
import { selectActions, selectSubjectKinds } from './store.ts';
import { readHead, selectLastCheckpoint, selectPositions } from './store-log.ts';

export type AuditContext = {
  readonly database: Database;
  /** People and keys by id: the audit holds no name itself. */
  readonly listNamed: (tx: Tx) => Promise<readonly Named[]>;
};

const PAGE_ROWS = 50;
/** Each with its proof; more at once: `bin/tocsin audit export`. */
const FILE_ROWS_MAX = 5_000;

export function auditRoutes(context: AuditContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/audit',
      access: 'audit.read',
      query: searchQuery,
      handle: async ({ actor, query, now }) =>
        await context.database.withActor(actor, async (tx) =>
          show(tx, { ...(await ask(tx, context, query)), now }, query.after),
        ),
    }),
    fileRoute(context, 'csv'),
    fileRoute(context, 'json'),
  ];
}

async function show(
  tx: Tx,
  { asks, people, now }: Asked & { readonly now: Date },
  after = '',
): Promise<Reply> {
  const cursor = isUuid(after) ? after : undefined;
  const found: EntryPage = asks.isRefused
    ? { entries: [] }
    : await listEntries(tx, { ...asks.search, cursor, limit: PAGE_ROWS });
  const shown = found.entries;
  const positions = await selectPositions(
    tx,
    shown.map(({ id }) => id),
  );
  const names = namesOf(people);
  const model = {
    head: headOf(await readHead(tx), await selectLastCheckpoint(tx), now),
    actions: (await selectActions(tx)).map(asItem),
    kinds: (await selectSubjectKinds(tx)).map(asItem),
    form: asks.form,
    address: asks.address,
    isFirst: cursor === undefined,
    isRefused: asks.isRefused,
    mayKeep: may(tx.actor, 'audit.keep'),
    next: found.nextCursor ?? null,
    entries: shown.map((entry) => shownEntry(entry, positions.get(entry.id), names)),
  };
  if (!asks.isRefused) await recordLook(tx, asks, { as: 'page', shown: shown.length });
  return view('audit/audit.njk', model, { status: asks.isRefused ? 422 : 200 });
}

type Asked = { readonly asks: AuditSearch; readonly people: readonly Named[] };

async function ask(tx: Tx, { listNamed }: AuditContext, query: SearchQuery): Promise<Asked> {
  const people = await listNamed(tx);
  const kinds = await selectSubjectKinds(tx);
  return { people, asks: readSearch(query, { named: people, kinds }) };
}

function namesOf(people: readonly Named[]): ReadonlyMap<string, string> {
  return new Map(people.map(({ id, name }) => [id, name]));
}

const asItem = (name: string) => ({ name, words: wordsOf(name) });

/** The look-up itself is an entry: what was asked for, by ids, and how much was seen. */
async function recordLook(
  tx: Tx,
  { search }: AuditSearch,
  { as, shown }: { readonly as: 'page' | 'csv' | 'json'; readonly shown: number },
): Promise<void> {
  const { actorIds, action, subjectKinds, subjectId, from, until } = search;
  await record(tx, {
    action: as === 'page' ? 'audit.searched' : 'audit.exported',
    subject: { kind: 'audit', id: 'entries' },
    detail: {
      as,
      shown,
      ...(actorIds && { actors: actorIds }),
      ...(action && { action }),
      ...(subjectKinds?.length === 1 && { kind: subjectKinds[0] }),
      ...(subjectId && { id: subjectId }),
      ...(from && { from }),
      ...(until && { until }),
    },
  });
}

function fileRoute(context: AuditContext, as: 'csv' | 'json'): Route {
  return page({
    method: 'GET',
    path: `/audit/entries.${as}`,
    access: 'audit.read',
    query: searchQuery,
    handle: async ({ actor, query, now }) =>
      await context.database.withActor(actor, async (tx) => {
        const asked = await ask(tx, context, query);
        if (asked.asks.isRefused) return await show(tx, { ...asked, now });
        const { entries } = await listEntries(tx, { ...asked.asks.search, limit: FILE_ROWS_MAX });
        const proven = await proveEntries(tx, entries);
        await recordLook(tx, asked.asks, { as, shown: proven.entries.length });
        const name = `audit-${now.toISOString().slice(0, 10)}.${as}`;
        if (as === 'json')
          return file(name, 'application/json', `${JSON.stringify(proven, null, 1)}\n`);
        const names = namesOf(asked.people);
        return file(
          name,
          'text/csv; charset=utf-8',
          provenCsv(proven, (id) => names.get(id)),
        );
      }),
  });
}

/** What is to be mended first: organisations that cannot be told, and numbers that may not work. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import type { Database, Tx } from '#db/database.ts';
import { may } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import {
  csvFile,
  cursorOf,
  file,
  oneLine,
  page,
  PAGE_ROWS,
  pageOf,
  uuid,
  view,
} from '#web/index.ts';
import type { Route } from '#web/index.ts';
import { record } from '#audit/index.ts';
import { asAtOf, type AsAt } from '../as-at.ts';
import { recordListView } from '../contacts/looks.ts';
import { listOnOwnNetworkOnly } from '../contacts/store-domains.ts';
import { gaps } from '../coverage/coverage.ts';
import { mendFields, readMendQuery, type Places } from './form-mend.ts';
import { telephoneLink } from '../form-organisation.ts';
import type { ContactRules, DirectoryRules } from '../model.ts';
import { countGaps, listGaps, type GapRow } from '../coverage/store-coverage.ts';
import { readAsAt } from '../routes-as-at.ts';
import { listRegions, listSystems, placesInUse } from '../store-places.ts';
import { showAhead } from '../successions/ahead.ts';
import { listTrouble, readTrouble, type TroubleRow } from './store-trouble.ts';
import { troubleRules, troubles, troubleSentence, type TroubleRules } from './trouble.ts';

/** More would not open in a spreadsheet. */
const FILE_ROWS_MAX = 100_000;

const gapQuery = z.object({
  ...mendFields,
  after: cursorOf(z.tuple([z.int(), oneLine(300), oneLine(20)]))
    .optional()
    .catch(undefined),
});

const troubleQuery = z.object({
  ...mendFields,
  after: cursorOf(z.tuple([z.int(), oneLine(300), oneLine(200), uuid]))
    .optional()
    .catch(undefined),
});

export type MendRoutesContext = {
  readonly database: Database;
  /** The operating model. */
  readonly model: ContactRules & TroubleRules;
};

export function mendRoutes(context: MendRoutesContext): Route[] {
  return [...gapRoutes(context), troubleListRoute(context), troubleFileRoute(context)];
}

async function placesOf(tx: Tx): Promise<Places> {
  return { regions: await listRegions(tx), systems: await listSystems(tx) };
}

/** What the filters of both lists offer. */
function offered({ regions, systems }: Places, rules: DirectoryRules) {
  const inUse = { regions: placesInUse(regions), systems: placesInUse(systems) };
  return { ...inUse, types: rules.organisationTypes };
}

function gapRoutes({ database, model }: MendRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/organisations/mend',
      access: 'directory.read',
      query: gapQuery,
      async handle({ actor, query, now }) {
        const { after } = query;
        return await database.withActor(actor, async (tx) => {
          const places = await placesOf(tx);
          const { search, ...asked } = readMendQuery(query, gaps, model, { places, now });
          return await showAhead(tx, search.asAt, async (ahead) => {
            const limit = PAGE_ROWS + 1;
            const found = await listGaps(tx, search, { limit, ...(after && { after }) });
            const { rows, next } = pageOf(found, PAGE_ROWS, gapKey);
            return view('organisations/mend.njk', {
              ...asked,
              ...offered(places, model),
              asAt: await readAsAt(tx, search.asAt, ahead),
              rows: await gapsWithFacts(tx, rows, { model, asAt: search.asAt }),
              counts: await countGaps(tx, search),
              kinds: gaps,
              next,
              isFirst: after === undefined,
            });
          });
        });
      },
    }),
    page({
      method: 'GET',
      path: '/organisations/mend.csv',
      access: 'directory.read',
      query: gapQuery,
      async handle({ actor, query, now }) {
        return await database.withActor(actor, async (tx) => {
          const places = await placesOf(tx);
          const { search } = readMendQuery(query, gaps, model, { places, now });
          return await showAhead(tx, search.asAt, async () => {
            const found = await listGaps(tx, search, { limit: FILE_ROWS_MAX });
            const rows = await gapsWithFacts(tx, found, { model, asAt: search.asAt });
            const day = search.asAt?.day ?? dayOf(now);
            return csv('organisations-to-mend', day, [[...gapNames], ...rows.map(gapCells)]);
          });
        });
      },
    }),
  ];
}

/** Of today also whether nothing reaches them while their own network is down; null: not known. */
async function gapsWithFacts(
  tx: Tx,
  rows: readonly GapRow[],
  { model, asAt }: { readonly model: DirectoryRules; readonly asAt: AsAt | undefined },
) {
  const byMail = rows.filter(({ gap }) => gap === 'mailOnly').map(({ id }) => id);
  const own = new Set(asAt === undefined ? await listOnOwnNetworkOnly(tx, byMail) : []);
  return rows.map((row) => ({
    ...row,
    typeLabel: model.organisationTypes[row.type]?.label ?? row.type,
    gapLabel: gaps[row.gap],
    telephoneLink: row.telephone === null ? null : telephoneLink(row.telephone),
    isOnOwnNetworkOnly: asAt === undefined ? own.has(row.id) : null,
  }));
}

function gapKey({ urgency, name, code }: GapRow) {
  return [urgency, name, code];
}

const gapNames = [
  'code',
  'name',
  'type',
  'region',
  'must_answer',
  'gap',
  'own_network_only',
  'switchboard',
];

function gapCells(row: Awaited<ReturnType<typeof gapsWithFacts>>[number]): string[] {
  const { code, name, typeLabel, regionName, mustAnswer, gapLabel, telephone } = row;
  const { isOnOwnNetworkOnly } = row;
  return [
    code,
    name,
    typeLabel,
    regionName ?? '',
    mustAnswer ? 'yes' : 'no',
    gapLabel,
    isOnOwnNetworkOnly === null ? '' : isOnOwnNetworkOnly ? 'yes' : 'no',
    telephone ?? '',
  ];
}

async function readTroubleQuery(
  tx: Tx,
  query: z.output<typeof troubleQuery>,
  { model, now }: { readonly model: MendRoutesContext['model']; readonly now: Date },
) {
  const places = await placesOf(tx);
  // What fails and what was answered is known of now alone.
  const today = { ...query, 'as-at': '' };
  const { search, ...asked } = readMendQuery(today, troubles, model, { places, now });
  const { kind: trouble, asAt: _, ...narrowing } = search;
  const sought = {
    ...narrowing,
    ...troubleRules(model),
    ...(trouble !== undefined && { trouble }),
  };
  return { search: sought, asked, places };
}

function troubleListRoute({ database, model }: MendRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/organisations/mend/people',
    access: 'directory.read',
    query: troubleQuery,
    async handle({ actor, query, now }) {
      return await database.withActor(actor, async (tx) => {
        const { search, asked, places } = await readTroubleQuery(tx, query, { model, now });
        const limit = PAGE_ROWS + 1;
        const found = await readTrouble(tx, search, {
          limit,
          ...(query.after && { after: query.after }),
        });
        const { rows, next } = pageOf(found.rows, PAGE_ROWS, (row) => [
          row.urgency,
          row.organisationName,
          row.name,
          row.contactPointId,
        ]);
        await recordListView(tx, {
          list: 'mend',
          contactIds: rows.map(({ contactId }) => contactId),
        });
        return view('organisations/mend-people.njk', {
          ...asked,
          ...offered(places, model),
          asksOtherDay: asAtOf(query['as-at'], now) !== undefined,
          rows: rows.map((row) => troubleFacts(row, model)),
          counts: found.counts,
          kinds: troubles,
          next,
          isFirst: query.after === undefined,
          mayAsk: may(actor, 'directory.write'),
        });
      });
    },
  });
}

function troubleFileRoute({ database, model }: MendRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/organisations/mend/people.csv',
    access: 'directory.read',
    query: troubleQuery,
    async handle({ actor, query, now }) {
      const found = await database.withActor(actor, async (tx) => {
        const { search } = await readTroubleQuery(tx, query, { model, now });
        const found = await listTrouble(tx, search, { limit: FILE_ROWS_MAX });
        // Names with masked numbers that leave the product: more than a look at a page.
        await record(tx, {
          action: 'mend_list.saved',
          subject: { kind: 'mend_list', id: newId(now.getTime()) },
          detail: { rows: found.length },
        });
        return found;
      });
      const rows = found
        .map((row) => troubleFacts(row, model))
        .map((row) => [
          row.organisationName,
          row.name,
          row.roleLabel,
          String(row.rank),
          row.shown,
          row.troubleLabel,
          row.sentence,
          row.telephone ?? '',
        ]);
      const names = ['organisation', 'name', 'role', 'rank', 'address', 'trouble', 'why'];
      return csv('people-to-mend', dayOf(now), [[...names, 'switchboard'], ...rows]);
    },
  });
}

export function troubleFacts(row: TroubleRow, rules: DirectoryRules) {
  return {
    ...row,
    roleLabel: rules.contactRoles[row.role]?.label ?? row.role,
    troubleLabel: troubles[row.trouble],
    sentence: troubleSentence(row),
    telephoneLink: row.telephone === null ? null : telephoneLink(row.telephone),
  };
}

function dayOf(now: Date): string {
  return londonDay(now);
}

function csv(stem: string, day: string, rows: readonly (readonly string[])[]) {
  return file(`${stem}-${day}.csv`, 'text/csv; charset=utf-8', csvFile(rows));
}

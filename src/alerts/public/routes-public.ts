/** What anybody may read: the list of public alerts, their versions of before, and the feed. */
import { z } from 'zod';
import { nobody } from '#kernel/actor.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import {
  cursorOf,
  dateTime,
  monthOnly,
  notFound,
  page,
  pageOf,
  redirect,
  text,
  view,
  type Reply,
  type Route,
} from '#web/index.ts';
import { sectionsToReaders } from '../content/model.ts';
import type { AlertRoutesContext } from '../pages.ts';
import { atomFeed } from './atom.ts';
import { wordOf } from './model.ts';
import {
  findPublicAlert,
  listPublicAlerts,
  listPublicYears,
  type PublicEntry,
} from './store-public.ts';
import { PUBLIC_FOR_SECONDS, publicWords, severityLabel } from './words.ts';

/** Each search reads every public alert: many for one network, too few to wear us down. */
const SEARCHES_PER_MINUTE_MAX = 300;
const ROWS = 25;
const FEED_ENTRIES = 50;
const WORDS_MAX = 8;

const publicly = { publicForSeconds: PUBLIC_FOR_SECONDS };

export function publicRoutes(context: AlertRoutesContext): Route[] {
  const { database, model, origin } = context;
  return [
    page({
      method: 'GET',
      path: '/public',
      access: 'nobody',
      query: searchQuery,
      perMinuteMax: SEARCHES_PER_MINUTE_MAX,
      handle: async ({ query }) => await showList(context, query),
    }),
    page({
      method: 'GET',
      path: '/public.atom',
      access: 'nobody',
      handle: async () => {
        const entries = await database.withActor(nobody, (tx) =>
          listPublicAlerts(tx, { ...everything, most: FEED_ENTRIES }),
        );
        const { name, sender } = model;
        const labelOf = (severity: string) => severityLabel(model, severity);
        const feed = atomFeed(entries, {
          origin,
          title: `${name}: alerts`,
          sender,
          labelOf,
          sections: (entry) => sectionsToReaders(entry, { model, formatTime: dateTime }),
          formatTime: dateTime,
        });
        return text(200, feed, 'application/atom+xml; charset=utf-8', publicly);
      },
    }),
    page({
      method: 'GET',
      path: '/:number/versions/:version',
      access: 'nobody',
      params: versionParams,
      handle: async ({ params }) => await showVersion(context, params),
    }),
  ];
}

const versionParams = z.object({ number: numberOf(8), version: numberOf(4) });

function numberOf(digits: number) {
  return z
    .string()
    .regex(new RegExp(`^[1-9]\\d{0,${digits - 1}}$`))
    .transform(Number);
}

const everything = {
  severity: undefined,
  threatType: undefined,
  year: undefined,
  words: [],
  after: undefined,
};

/** Whatever was typed: what makes no sense is left out, for a search is no form to put right. */
const searchQuery = z.object({
  severity: z.string().max(40).catch(''),
  type: z.string().max(40).catch(''),
  year: z.coerce.number().int().min(2000).max(9999).optional().catch(undefined),
  words: z
    .string()
    .catch('')
    .transform((words) => words.trim().slice(0, 200)),
  after: cursorOf(z.tuple([z.iso.datetime(), z.number().int()]))
    .optional()
    .catch(undefined),
});

async function showList(
  { database, model }: AlertRoutesContext,
  query: z.output<typeof searchQuery>,
): Promise<Reply> {
  const { severity, type, year, after } = query;
  const words = query.words
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, WORDS_MAX);
  const search = {
    severity: severity === '' ? undefined : severity,
    threatType: type === '' ? undefined : type,
    year,
    words,
    after,
  };
  const { types } = model.threats;
  const { rows, years } = await database.withActor(nobody, async (tx) => ({
    rows: await listPublicAlerts(tx, { ...search, most: ROWS + 1 }),
    years: await listPublicYears(tx),
  }));
  const shown = pageOf(rows, ROWS, (row) => [row.releasedAt.toISOString(), row.alertNumber]);
  const kept = new URLSearchParams({
    ...(severity !== '' && { severity }),
    ...(type !== '' && { type }),
    ...(year !== undefined && { year: String(year) }),
    ...(query.words !== '' && { words: query.words }),
  });
  return view(
    'alerts/public-list.njk',
    {
      months: Array.from(
        Map.groupBy(shown.rows, ({ releasedAt }) => monthOnly(releasedAt)),
        ([month, rows]) => ({ month, rows: rows.map((row) => wordsOf(row, model)) }),
      ),
      next: shown.next,
      more: `/public?${kept.size > 0 ? `${kept.toString()}&` : ''}`,
      words: query.words,
      isSearch: kept.size > 0,
      isFirst: after === undefined,
      typeItems: [any, ...Object.entries(types).map(([id, label]) => item(id, label, type))],
      severityItems: [any, ...model.severities.map(({ id, label }) => item(id, label, severity))],
      yearItems: [any, ...years.map((one) => item(String(one), String(one), String(year ?? '')))],
      helpLine: model.helpLine,
    },
    publicly,
  );
}

function wordsOf(row: PublicEntry, model: OperatingModel) {
  const { types } = model.threats;
  return {
    ...row,
    severityLabel: severityLabel(model, row.severity),
    threatLabel: row.threatType === null ? '' : (types[row.threatType] ?? row.threatType),
    word: row.kind === 'first' ? '' : wordOf(row.kind),
  };
}

const any = { value: '', text: 'Any' };

function item(value: string, text: string, chosen: string) {
  return { value, text, selected: value === chosen };
}

async function showVersion(
  { database, model, origin }: AlertRoutesContext,
  { number, version }: z.output<typeof versionParams>,
): Promise<Reply> {
  const alert = await database.withActor(nobody, (tx) => findPublicAlert(tx, number));
  if (alert?.current.number === version) return redirect(`/${number}`);
  const shown = alert?.earlier.find((one) => one.number === version);
  if (alert === undefined || shown === undefined) return notFound();
  const words = publicWords(alert, shown, { model, host: new URL(origin).host });
  return view('alerts/public-version.njk', words, publicly);
}

/** The live board on a desk, on a wall and on paper: its pages, its stream, and its past minutes. */
import { may, readsUpTo, readsWords, regionsOf, systemFor, type Actor } from '#kernel/actor.ts';
import {
  events,
  eventStream,
  formModel,
  notFound,
  page,
  view,
  type Reply,
  type Route,
} from '#web/index.ts';
import { boardOf, type Board } from './board.ts';
import type { ConsoleContext } from './context.ts';
import { seenBy } from './desk.ts';
import { filterBy, queryOf, type Filter } from './figures.ts';
import { boardQuery, fieldMinute, filterOf, idParams, pastMomentOf } from './parse.ts';
import { advanceAlert, readAlert, type Reading } from './reading.ts';
import { dispatchesOf, findLiveAlert } from './store.ts';
import type { Watch } from './topic.ts';

type Read = Reading | undefined;

/** One alert, for whoever may read as much of it and whatever for. */
function watchAlert(context: ConsoleContext, actor: Actor, alertId: string): Watch<Read> {
  const reader = systemFor('board', actor);
  return {
    name: `alert ${alertId} ${context.model.version} ${readsUpTo(reader)}`,
    read: (isFollowed) => readAlert(context, { reader, alertId, now: context.now(), isFollowed }),
    advance: async (read, notices) =>
      read && (await advanceAlert(context, read, { reader, notices, now: context.now() })),
    keys: (read) => (read === undefined ? [alertId] : [alertId, ...dispatchesOf(read.alert)]),
  };
}

type BoardModel = {
  readonly board: Board & { readonly isOfRegion: boolean };
  /** The beginning of the query string of every list behind a number. */
  readonly query: string;
};

/** Made once for each reading, filter and set of regions: whoever streams it gets the same bytes. */
const boards = new WeakMap<Reading, Map<string, BoardModel>>();

function boardModel(reading: Reading, filter: Filter, actor: Actor): BoardModel {
  const made = boards.get(reading) ?? new Map<string, BoardModel>();
  boards.set(reading, made);
  const query = queryOf(filter, reading.at);
  const key = [query, ...(regionsOf(actor, 'alert.read') ?? ['all'])].join(' ');
  const known = made.get(key);
  if (known !== undefined) return known;
  const model = { board: seenBy(actor, boardOf(reading, filter)), query };
  made.set(key, model);
  return model;
}

export function boardRoutes(context: ConsoleContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/board',
      access: 'alert.read',
      params: idParams,
      query: boardQuery,
      async handle({ actor, params, query, now }) {
        const reading = await context.live.read(watchAlert(context, actor, params.id));
        if (reading === undefined) return notFound();
        const filter = filterOf(query);
        const rights = {
          maySteer: may(actor, 'dispatch.steer'),
          mayWrite: may(actor, 'alert.write'),
          regions: regionsOf(actor, 'alert.read') ?? [],
        };
        if (!query.at) return boardPage(boardModel(reading, filter, actor), rights, { now });
        const { releasedAt } = reading.alert;
        const at = pastMomentOf(query.at, { releasedAt, now });
        if (typeof at === 'string')
          return boardPage(boardModel(reading, filter, actor), rights, {
            now,
            typed: query.at,
            wrong: at,
          });
        const reader = systemFor('board', actor);
        const past = await readAlert(context, { reader, alertId: params.id, now, at });
        if (past === undefined) return notFound();
        return boardPage(boardModel(past, filter, actor), rights, { now });
      },
    }),
    page({
      method: 'GET',
      path: '/alerts/:id/wall',
      access: 'alert.read',
      params: idParams,
      query: boardQuery,
      async handle({ actor, params, query }) {
        const reading = await context.live.read(watchAlert(context, actor, params.id));
        if (reading === undefined) return notFound();
        return view('console/wall.njk', boardModel(reading, filterOf(query), actor));
      },
    }),
    ...streamRoutes(context),
  ];
}

function streamRoutes(context: ConsoleContext): Route[] {
  return (['board', 'wall'] as const).map((name) =>
    eventStream({
      path: `/alerts/:id/${name}/events`,
      access: 'alert.read',
      params: idParams,
      query: boardQuery,
      async handle({ actor, params, query }) {
        const found = await context.database.withActor(actor, (tx) => findLiveAlert(tx, params.id));
        if (found === undefined) return notFound();
        const watch = watchAlert(context, actor, params.id);
        const filter = filterOf(query);
        return events(async function* (signal) {
          for await (const reading of context.live.follow(watch, signal)) {
            if (reading === undefined) continue;
            // A version came out meanwhile that takes a passkey: the browser asks anew.
            if (!readsWords(actor, reading.alert.marking)) return;
            yield {
              name,
              template: `console/${name}-live.njk`,
              model: boardModel(reading, filter, actor),
            };
          }
        });
      },
    }),
  );
}

type Asked = { readonly now: Date; readonly typed?: string; readonly wrong?: string };

type Rights = {
  readonly maySteer: boolean;
  readonly mayWrite: boolean;
  /** Of whoever reads for some regions alone. */
  readonly regions: readonly string[];
};

function boardPage(
  model: BoardModel,
  { regions, ...rights }: Rights,
  { now, typed, wrong }: Asked,
): Reply {
  const { alert, at } = model.board;
  const values = { at: typed ?? fieldMinute(at ?? now) };
  const form = formModel(['at'], values, wrong === undefined ? {} : { at: wrong });
  const limits = { min: fieldMinute(alert.releasedAt), max: fieldMinute(now) };
  const minutes = at === undefined ? undefined : besides(at, alert.releasedAt, now);
  return view(
    'console/board.njk',
    {
      ...model,
      ...rights,
      form,
      limits,
      minutes,
      ownRegions: model.board.choices.region.filter(({ code }) => regions.includes(code)),
      selects: selectsOf(model.board),
      narrowed: queryOf(model.board.filter),
    },
    { status: wrong === undefined ? 200 : 422 },
  );
}

const labels = { region: 'Region', system: 'System', type: 'Type' } as const;

/** A field for each of the three by which there is anything to choose. */
function selectsOf({ choices, filter }: Board) {
  return filterBy
    .filter((by) => choices[by].length > 1 || filter[by] !== undefined)
    .map((by) => ({
      by,
      label: labels[by],
      items: [
        { value: '', text: 'All' },
        ...choices[by].map(({ code, name, count }) => ({
          value: code,
          text: `${name} (${count.toLocaleString('en-GB')})`,
          selected: code === filter[by],
        })),
      ],
    }));
}

const MINUTE_MS = 60_000;

/** The minutes one goes to from a past one: as instants, absent beyond the ends. */
function besides(at: Date, first: Date, last: Date) {
  const step = (minutes: number) => {
    const time = at.getTime() + minutes * MINUTE_MS;
    const isThere = time >= first.getTime() && time <= last.getTime();
    return isThere ? new Date(time).toISOString() : '';
  };
  return { back15: step(-15), back1: step(-1), on1: step(1), on15: step(15) };
}

/**
 * The live board as values: what is read of an alert, once for all who look, and what of it a page,
 * a stream and a test show for all organisations or some of them.
 */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { severityById, type OperatingModel } from '#operating-model/index.ts';
import { drawCurve, type CurveView } from './curve.ts';
import {
  answerMinutes,
  everywhere,
  funnelOf,
  NONE,
  rowsWithin,
  tallyBy,
  tallyOf,
  type FigureRow,
  type Filter,
  type FilterBy,
  type FunnelStep,
  type Tally,
} from './figures.ts';
import { drawBoardMap, type BoardMap } from './map.ts';
import { pathsOf, type PathView } from './paths.ts';
import {
  countAlarms,
  countUncertain,
  findHold,
  type AlarmCount,
  type Hold,
} from './store-certainty.ts';
import { listSwitchboards, type Switchboard } from './store-calls.ts';
import { readLedger, type LedgerRow } from './store-ledger.ts';
import { CALLS_MOST, readFigures, scopeOf } from './store-standings.ts';
import {
  dispatchesOf,
  findLiveAlert,
  listDesk,
  listGatewayStates,
  listPlaces,
  listRounds,
  readPaths,
  type DeskRow,
  type LiveAlert,
  type RoundRow,
} from './store.ts';

/** What was read of a released alert, for every filter at once. */
export type Reading = {
  readonly alert: LiveAlert;
  readonly severityLabel: string;
  readonly deadlineMinutes: number;
  readonly figures: readonly FigureRow[];
  readonly switchboards: readonly Switchboard[];
  /** Names of regions, systems and types. */
  readonly names: Readonly<Record<keyof Filter, ReadonlyMap<string, string>>>;
  readonly regionMap: readonly (readonly string[])[];
  readonly paths: readonly PathView[];
  readonly rounds: readonly RoundRow[];
  /** In the recall window: when the first text leaves. */
  readonly leavesAt: Date | undefined;
  /** Where sending was paused or stopped: what that left. */
  readonly ledger: LedgerRow | undefined;
  readonly desk: readonly DeskView[];
  /** Messages whose fate somebody has to decide. */
  readonly uncertainMessages: number;
  readonly alarms: readonly AlarmCount[];
  /** Why nothing is sent at all, or is sent at a risk. */
  readonly hold: Hold | undefined;
  /** The minute that is shown, where it is not now: then figures alone are of it. */
  readonly at: Date | undefined;
  readonly readAt: Date;
};

export type NextCall = Switchboard & { readonly reach: 'unreachable' | 'silent' };

export type Board = Omit<Reading, 'figures' | 'switchboards' | 'names' | 'regionMap'> & {
  readonly filter: Filter;
  readonly tally: Tally;
  readonly funnel: readonly FunnelStep[];
  readonly nextCalls: readonly NextCall[];
  readonly map: BoardMap;
  readonly curve: CurveView;
  /** What a board can be narrowed to. */
  readonly choices: Readonly<Record<FilterBy, readonly Choice[]>>;
};

/** A region, system or type, and how many of its organisations must answer. */
export type Choice = { readonly code: string; readonly name: string; readonly count: number };

export type DeskView = DeskRow & { readonly words: string | undefined };

/** Opens the sealed words of a reply. */
export type OpenReply = (replyId: string, sealed: Buffer) => string;

/** Rows with the words that somebody texted, where there are any. */
export function withWords(rows: readonly DeskRow[], openReply: OpenReply): DeskView[] {
  return rows.map((row) => ({
    ...row,
    words:
      row.replyId === null || row.contentSealed === null
        ? undefined
        : openReply(row.replyId, row.contentSealed),
  }));
}

export type BoardContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  readonly openReply: OpenReply;
};

/** What there is to know of a released alert; undefined where there is none. */
export async function readAlert(
  { database, model, openReply }: BoardContext,
  { alertId, now, at }: { alertId: string; now: Date; at?: Date | undefined },
): Promise<Reading | undefined> {
  return await database.withActor(system('board'), async (tx) => {
    const alert = await findLiveAlert(tx, alertId);
    if (alert === undefined) return undefined;
    const severity = severityById(model, alert.severity);
    const rounds = await listRounds(tx, alert.dispatchId);
    const first = rounds.find(({ round }) => round === 1);
    const isWaiting = first?.openedAt === null && alert.dispatchState === 'sending';
    const figures = await readFigures(tx, scopeOf(alert, at));
    return {
      alert,
      severityLabel: severity?.label ?? alert.severity,
      deadlineMinutes: (severity?.acknowledgeWithinMs ?? Infinity) / 60_000,
      figures,
      switchboards: await listSwitchboards(tx, figures.flatMap(toRing)),
      names: await readNames(tx, model),
      regionMap: model.regionMap,
      paths: pathsOf(await readPaths(tx, dispatchesOf(alert)), await listGatewayStates(tx), now),
      rounds,
      leavesAt: isWaiting ? (first.opensAt ?? undefined) : undefined,
      ledger: ['paused', 'cancelled'].includes(alert.dispatchState)
        ? await readLedger(tx, alert.dispatchId)
        : undefined,
      uncertainMessages: await countUncertain(tx, alert.dispatchId),
      alarms: await countAlarms(tx, alert.dispatchId),
      hold: await findHold(tx),
      desk: withWords(await listDesk(tx, alertId), openReply),
      at,
      readAt: now,
    };
  });
}

const toRing = (row: FigureRow) => [...row.unreachableFirst, ...row.silentFirst];

/** What codes of regions, systems and types are called. */
export async function readNames(tx: Tx, model: OperatingModel): Promise<Reading['names']> {
  const places = await listPlaces(tx);
  const of = (by: 'region' | 'system') =>
    new Map(places.filter((place) => place.by === by).map(({ code, name }) => [code, name]));
  const types = Object.entries(model.organisationTypes).map(
    ([code, { label }]) => [code, label] as const,
  );
  return { region: of('region'), system: of('system'), type: new Map(types) };
}

/** What a reading says of the organisations of a filter. */
export function boardOf(reading: Reading, filter: Filter = everywhere): Board {
  const { figures, switchboards, names, regionMap, ...rest } = reading;
  const { alert, at, readAt, deadlineMinutes } = reading;
  const rows = rowsWithin(figures, filter);
  const tally = tallyOf(rows);
  const elapsedMs = (at ?? alert.closedAt ?? readAt).getTime() - alert.askedAt.getTime();
  return {
    ...rest,
    filter,
    tally,
    funnel: funnelOf(tally),
    nextCalls: nextCallsOf(rows, switchboards),
    map: drawBoardMap(tallyBy(rows, 'region'), { names: names.region, rows: regionMap }),
    curve: drawCurve({
      answers: answerMinutes(rows),
      mustAnswer: tally.mustAnswer,
      elapsedMinutes: elapsedMs / 60_000,
      deadlineMinutes,
    }),
    choices: {
      region: choicesOf(figures, 'region', names.region),
      system: choicesOf(figures, 'system', names.system),
      type: choicesOf(figures, 'type', names.type),
    },
  };
}

function choicesOf(
  rows: readonly FigureRow[],
  by: FilterBy,
  names: ReadonlyMap<string, string>,
): Choice[] {
  return Array.from(tallyBy(rows, by), ([code, { mustAnswer }]) => ({
    code,
    name: code === NONE ? `No ${by}` : (names.get(code) ?? code),
    count: mustAnswer,
  })).toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** Those that nothing reaches, then those silent to the end, each by name. */
function nextCallsOf(rows: readonly FigureRow[], switchboards: readonly Switchboard[]): NextCall[] {
  const within = (reach: NextCall['reach'], ids: ReadonlySet<string>) =>
    switchboards
      .filter(({ organisationId }) => ids.has(organisationId))
      .map((switchboard) => ({ ...switchboard, reach }));
  const unreachable = new Set(rows.flatMap(({ unreachableFirst }) => unreachableFirst));
  const silent = new Set(rows.flatMap(({ silentFirst }) => silentFirst));
  return [...within('unreachable', unreachable), ...within('silent', silent)].slice(0, CALLS_MOST);
}

/**
 * The live board as values: what is read of an alert, once for all who look, and what of it a page,
 * a stream and a test show for all organisations or some of them.
 */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  becauseCallBack,
  becauseNextUpdate,
  becauseRound,
  becauseTime,
  regionTime,
  type Because,
  type OperatingModel,
} from '#operating-model/index.ts';
import { rulesOfAlert } from './because.ts';
import { drawCurve, type CurveView } from './curve.ts';
import { groupDesk, withWords, type DeskGroup, type OpenReply } from './desk.ts';
import {
  answerMinutes,
  everywhere,
  firstCalls,
  funnelOf,
  NONE,
  rowsWithin,
  tallyBy,
  tallyOf,
  type Call,
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
import { listClaims, type Claim } from './store-calls.ts';
import { listDesk } from './store-desk.ts';
import {
  listOwedReviews,
  listRegionsTold,
  listWokenForUpdates,
  type OwedReview,
  type RegionTold,
  type Woken,
} from './store-promises.ts';
import { readLedger, type LedgerRow } from './store-ledger.ts';
import { CALLS_MOST, readFigures, scopeOf } from './store-standings.ts';
import {
  dispatchesOf,
  findLiveAlert,
  listGatewayStates,
  listPlaces,
  listRounds,
  readPaths,
  readPathsAt,
  type LiveAlert,
  type RoundRow,
} from './store.ts';

/** What was read of a released alert, for every filter at once. */
export type Reading = {
  readonly alert: LiveAlert & { readonly woken: readonly Woken[] };
  readonly severityLabel: string;
  /** One person let it go, and nobody else has looked at it yet. */
  readonly review: OwedReview | undefined;
  /** What it says beside its first fields. */
  readonly sections: readonly Section[];
  /** It obeys the rules that it was submitted under, and others are in force. */
  readonly hasOlderRules: boolean;
  readonly deadlineMinutes: number;
  readonly figures: readonly FigureRow[];
  readonly claims: readonly Claim[];
  /** Names of regions, systems and types. */
  readonly names: Readonly<Record<keyof Filter, ReadonlyMap<string, string>>>;
  readonly regionMap: readonly (readonly string[])[];
  readonly paths: readonly PathView[];
  readonly rounds: readonly (RoundRow & { readonly because: Because | undefined })[];
  /** The rules behind its times. */
  readonly because: Readonly<
    Record<
      'answer' | 'nextUpdate' | 'callList' | 'recall' | 'quiet' | 'callBack',
      Because | undefined
    >
  >;
  /** In the recall window: when the first text leaves. */
  readonly leavesAt: Date | undefined;
  /** Where sending was paused or stopped: what that left. */
  readonly ledger: LedgerRow | undefined;
  /** When regions are told of those that are silent, and who was. */
  readonly regions:
    | {
        readonly at: Date | undefined;
        readonly told: readonly RegionTold[];
        readonly because: Because | undefined;
      }
    | undefined;
  readonly desk: readonly DeskGroup[];
  /** Messages whose fate somebody has to decide. */
  readonly uncertainMessages: number;
  readonly alarms: readonly AlarmCount[];
  /** Why nothing is sent at all, or is sent at a risk. */
  readonly hold: Hold | undefined;
  /** The minute that is shown, where it is not now: figures, help and messages are of it. */
  readonly at: Date | undefined;
  readonly readAt: Date;
};

export type NextCall = Call & {
  /** Who rings them now. */
  readonly claimedByName: string | undefined;
};

export type Board = Omit<Reading, 'figures' | 'claims' | 'names' | 'regionMap'> & {
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

export type BoardContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  readonly openReply: OpenReply;
  readonly sectionsOf: (words: Pick<LiveAlert, 'content' | 'readerWords'>) => readonly Section[];
};

/** What readers see under one heading; `href` where a line leads somewhere. */
export type Section = {
  readonly label: string;
  readonly entries: readonly { readonly text: string; readonly href?: string }[];
};

/** What there is to know of a released alert; undefined where there is none. */
export async function readAlert(
  { database, model, openReply, sectionsOf }: BoardContext,
  { alertId, now, at }: { alertId: string; now: Date; at?: Date | undefined },
): Promise<Reading | undefined> {
  return await database.withActor(system('board'), async (tx) => {
    const alert = await findLiveAlert(tx, alertId);
    if (alert === undefined) return undefined;
    const { model: rules, severity } = await rulesOfAlert(tx, alert, model);
    const rounds = (await listRounds(tx, alert.dispatchId)).map((one) => ({
      ...one,
      because: severity && becauseRound(rules, severity, one.round),
    }));
    const first = rounds.find(({ round }) => round === 1);
    const isWaiting = first?.openedAt === null && alert.dispatchState === 'sending';
    return {
      review: (await listOwedReviews(tx)).find((one) => one.alertId === alertId),
      alert: { ...alert, woken: await listWokenForUpdates(tx, [alert.versionId]) },
      severityLabel: severity?.label ?? alert.severity,
      sections: sectionsOf(alert),
      hasOlderRules: alert.modelVersion !== model.version,
      deadlineMinutes: (severity?.acknowledgeWithinMs ?? Infinity) / 60_000,
      figures: await readFigures(tx, scopeOf(alert, at)),
      claims: at === undefined ? await listClaims(tx, alertId) : [],
      names: await readNames(tx, model),
      regionMap: model.regionMap,
      paths: await readPathViews(tx, { dispatchIds: dispatchesOf(alert), at, now }),
      rounds,
      because: {
        answer: severity && becauseTime(rules, severity, 'acknowledge_within'),
        nextUpdate: becauseNextUpdate(rules),
        callList: severity && becauseTime(rules, severity, 'rounds'),
        recall: severity && becauseTime(rules, severity, 'recall_window'),
        quiet: severity && becauseTime(rules, severity, 'quiet_hours'),
        callBack: becauseCallBack(model),
      },
      leavesAt: isWaiting ? (first.opensAt ?? undefined) : undefined,
      ledger: ['paused', 'cancelled'].includes(alert.dispatchState)
        ? await readLedger(tx, alert.dispatchId)
        : undefined,
      uncertainMessages: await countUncertain(tx, alert.dispatchId),
      alarms: await countAlarms(tx, alert.dispatchId),
      hold: await findHold(tx),
      regions: severity && {
        at: momentOf(regionTime(severity, alert.askedAt.getTime())),
        told: await listRegionsTold(tx, alertId),
        because: becauseTime(rules, severity, 'tell_region'),
      },
      desk: groupDesk(withWords(await listDesk(tx, { alertId, at }), openReply)),
      at,
      readAt: now,
    };
  });
}

function momentOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}

/** The ways of the messages, and how far they are; of a past minute the numbers alone are known. */
async function readPathViews(
  tx: Tx,
  { dispatchIds, at, now }: { dispatchIds: readonly string[]; at: Date | undefined; now: Date },
): Promise<PathView[]> {
  if (at !== undefined) return pathsOf(await readPathsAt(tx, { dispatchIds, at }), [], now);
  return pathsOf(await readPaths(tx, dispatchIds), await listGatewayStates(tx), now);
}

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
  const { figures, claims, names, regionMap, ...rest } = reading;
  const { alert, at, readAt, deadlineMinutes } = reading;
  const rows = rowsWithin(figures, filter);
  const tally = tallyOf(rows);
  const elapsedMs = (at ?? alert.closedAt ?? readAt).getTime() - alert.askedAt.getTime();
  return {
    ...rest,
    filter,
    tally,
    funnel: funnelOf(tally),
    nextCalls: nextCallsOf(rows, claims),
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

function nextCallsOf(rows: readonly FigureRow[], claims: readonly Claim[]): NextCall[] {
  return firstCalls(rows, CALLS_MOST).map((call) => ({
    ...call,
    claimedByName: claims.find(({ organisationId }) => organisationId === call.organisationId)
      ?.claimedByName,
  }));
}

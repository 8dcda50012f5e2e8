/**
 * What is read of a released alert, once for all who look at it: whole, or going on from what was
 * counted and told since.
 */
import { readsWords, type Actor } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import {
  becauseCallBack,
  becauseNextUpdate,
  becauseCallList,
  becauseRound,
  becauseTime,
  regionTime,
  type Because,
  type OperatingModel,
} from '#operating-model/index.ts';
import { rulesOfAlert } from './because.ts';
import type { BoardContext, Section } from './context.ts';
import { addMoves, countedOf, setAnswer, tallyHeaps, tallyPaths, type Counted } from './counted.ts';
import { figuresOf } from './counted-figures.ts';
import { groupDesk, withWords, type DeskGroup } from './desk.ts';
import { type FigureRow, type Filter } from './figures.ts';
import type { Notice } from './notice.ts';
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
import {
  CALLS_MOST,
  listCutOffIds,
  readAnswers,
  readFigures,
  readStandings,
  scopeOf,
} from './store-standings.ts';
import {
  dispatchesOf,
  findLiveAlert,
  listGatewayStates,
  listPlaces,
  listRounds,
  readClaimed,
  readHeaps,
  readPathsAt,
  type GatewayRow,
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
  readonly gateways: readonly GatewayRow[];
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
  /** When all but the figures and paths was read. */
  readonly aroundReadAt: Date;
  /** What the next state goes on from, where somebody follows this one. */
  readonly counted: Counted | undefined;
};

/** All but what counts messages and organisations. */
type Around = Omit<Reading, 'figures' | 'paths' | 'at' | 'readAt' | 'counted'>;

export type AlertAsked = {
  /** As who it is read: see `systemFor`. */
  readonly reader: Actor;
  readonly alertId: string;
  readonly now: Date;
  readonly at?: Date | undefined;
  /** True: with what `advanceAlert` needs. */
  readonly isFollowed?: boolean;
};

/** What there is to know of a released alert; undefined where there is none. */
export async function readAlert(
  context: BoardContext,
  { reader, alertId, now, at, isFollowed = false }: AlertAsked,
): Promise<Reading | undefined> {
  return await context.database.withActor(reader, async (tx) => {
    const alert = await findLiveAlert(tx, alertId);
    if (alert === undefined) return undefined;
    const around = await readAround(tx, context, { alert, at, now });
    const scope = scopeOf(alert, at);
    const counted =
      isFollowed && at === undefined
        ? countedOf(
            await readStandings(tx, scope),
            await readHeaps(tx, scope.dispatchIds),
            now.getTime(),
          )
        : undefined;
    if (counted !== undefined) return await readingOf(tx, around, { counted, now });
    const { dispatchIds } = scope;
    const paths =
      at === undefined
        ? pathsOf(tallyHeaps(await readHeaps(tx, dispatchIds)), around.gateways, now)
        : pathsOf(await readPathsAt(tx, { dispatchIds, at }), [], now);
    return { ...around, figures: await readFigures(tx, scope), paths, at, readAt: now, counted };
  });
}

/**
 * What workers hold may be so old. While thousands leave each second its index is full of what has
 * just left, and finding the few takes 60 ms.
 */
const CLAIMED_MS = 5_000;

/** With what was counted. */
async function readingOf(
  tx: Tx,
  around: Around,
  { counted, now }: { readonly counted: Counted; readonly now: Date },
): Promise<Reading> {
  if (now.getTime() - counted.claimedReadAtMs > CLAIMED_MS) {
    counted.claimed = await readClaimed(tx, dispatchesOf(around.alert));
    counted.claimedReadAtMs = now.getTime();
  }
  const cutOff = new Set(await listCutOffIds(tx));
  const { callListAt } = around.alert;
  return {
    ...around,
    figures: figuresOf(counted, { now, callListAt, callsMost: CALLS_MOST, cutOff }),
    paths: pathsOf(tallyPaths(counted), around.gateways, now),
    at: undefined,
    readAt: now,
    counted,
  };
}

/** What the gateways and the clock of a board may be behind. */
const AROUND_MS = 5_000;

/**
 * The state after what these notices tell, without counting anew; undefined where nobody followed
 * the last one. What `reading` has counted is moved on, so nothing goes on from it twice.
 */
export async function advanceAlert(
  context: BoardContext,
  reading: Reading,
  {
    reader,
    notices,
    now,
  }: Pick<AlertAsked, 'reader' | 'now'> & { readonly notices: readonly Notice[] },
): Promise<Reading | undefined> {
  const { counted } = reading;
  if (counted === undefined) return undefined;
  for (const notice of notices) addMoves(counted, notice, now.getTime());
  const organisationIds = notices.flatMap(({ news }) =>
    news?.kind === 'answers' ? news.organisationIds : [],
  );
  const { alertId } = reading.alert;
  return await context.database.withActor(reader, async (tx) => {
    const isOld = now.getTime() - reading.aroundReadAt.getTime() > AROUND_MS;
    const alert =
      isOld || organisationIds.length > 0 ? await findLiveAlert(tx, alertId) : undefined;
    const around = alert ? await readAround(tx, context, { alert, at: undefined, now }) : reading;
    // Another version is out, or none is: its count is another one.
    if (isOtherScope(around.alert, reading.alert)) return undefined;
    if (organisationIds.length > 0)
      for (const { key, answer } of await readAnswers(tx, scopeOf(around.alert), organisationIds))
        setAnswer(counted, key, answer);
    return await readingOf(tx, around, { counted, now });
  });
}

function isOtherScope(one: LiveAlert, other: LiveAlert): boolean {
  const named = (a: LiveAlert) => JSON.stringify([dispatchesOf(a), a.askedAt, a.callListAt]);
  return named(one) !== named(other);
}

async function readAround(
  tx: Tx,
  { model, openReply, sectionsOf }: BoardContext,
  { alert, at, now }: { alert: LiveAlert; at: Date | undefined; now: Date },
): Promise<Around> {
  const { alertId } = alert;
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
    sections: readsWords(tx.actor, alert.marking) ? sectionsOf(alert) : [],
    hasOlderRules: alert.modelVersion !== model.version,
    deadlineMinutes: (severity?.acknowledgeWithinMs ?? Infinity) / 60_000,
    claims: at === undefined ? await listClaims(tx, alertId) : [],
    names: await readNames(tx, model),
    regionMap: model.regionMap,
    gateways: at === undefined ? await listGatewayStates(tx) : [],
    rounds,
    because: {
      answer: severity && becauseTime(rules, severity, 'acknowledge_within'),
      nextUpdate: becauseNextUpdate(rules),
      callList: severity && becauseCallList(rules, severity),
      recall: severity && becauseTime(rules, severity, 'recall_window'),
      quiet: severity && becauseTime(rules, severity, 'quiet_hours'),
      callBack: becauseCallBack(model),
    },
    leavesAt: isWaiting ? (first.opensAt ?? undefined) : undefined,
    ledger: ['paused', 'cancelled'].includes(alert.dispatchState)
      ? await readLedger(tx, alert.dispatchId)
      : undefined,
    uncertainMessages: await countUncertain(tx, dispatchesOf(alert)),
    alarms: await countAlarms(tx, alert.dispatchId),
    hold: await findHold(tx),
    regions: severity && {
      at: momentOf(regionTime(severity, alert.askedAt.getTime())),
      told: await listRegionsTold(tx, alertId),
      because: becauseTime(rules, severity, 'tell_region'),
    },
    desk: groupDesk(withWords(await listDesk(tx, { alertId, at }), openReply)),
    aroundReadAt: now,
  };
}

function momentOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
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

/** The live board as one value: what a page, a stream and a test read. */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { severityById, type OperatingModel } from '#operating-model/index.ts';
import { drawCurve, type CurveView } from './curve.ts';
import { lastLeavesInMs, type PathTally, type Tally } from './model.ts';
import {
  countAlarms,
  countUncertain,
  findHold,
  type AlarmCount,
  type Hold,
} from './store-certainty.ts';
import {
  dispatchesOf,
  findLiveAlert,
  listDesk,
  listGatewayStates,
  listRounds,
  readAnswerMinutes,
  readPaths,
  readRegions,
  readTally,
  type DeskRow,
  type GatewayRow,
  type LiveAlert,
  type RegionTally,
  type RoundRow,
} from './store.ts';
import { listNextCalls, type NextCall } from './store-calls.ts';
import { readLedger, type LedgerRow } from './store-ledger.ts';

export type PathView = PathTally & {
  readonly gateway: GatewayRow | undefined;
  /** When the last message of the open round leaves; undefined where none waits. */
  readonly lastLeavesAt: Date | undefined;
};

export type Board = {
  readonly alert: LiveAlert;
  readonly severityLabel: string;
  readonly tally: Tally;
  readonly paths: readonly PathView[];
  readonly rounds: readonly RoundRow[];
  /** In the recall window: when the first text leaves. */
  readonly leavesAt: Date | undefined;
  /** Where sending was paused or stopped: what that left. */
  readonly ledger: LedgerRow | undefined;
  readonly desk: readonly DeskView[];
  readonly nextCalls: readonly NextCall[];
  readonly regions: readonly RegionTally[];
  readonly curve: CurveView;
  /** Messages whose fate somebody has to decide. */
  readonly uncertainMessages: number;
  readonly alarms: readonly AlarmCount[];
  /** Why nothing is sent at all, or is sent at a risk. */
  readonly hold: Hold | undefined;
  readonly readAt: Date;
};

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

const NEXT_CALLS = 5;

/** The board of a released alert; undefined where there is none. */
export async function readBoard(
  { database, model, openReply }: BoardContext,
  { alertId, now }: { alertId: string; now: Date },
): Promise<Board | undefined> {
  return await database.withActor(system('board'), async (tx) => {
    const alert = await findLiveAlert(tx, alertId);
    if (alert === undefined) return undefined;
    const severity = severityById(model, alert.severity);
    const tally = await readTally(tx, alertId);
    const rounds = await listRounds(tx, alert.dispatchId);
    const first = rounds.find(({ round }) => round === 1);
    const isWaiting = first?.openedAt === null && alert.dispatchState === 'sending';
    const elapsedMs = (alert.closedAt ?? now).getTime() - alert.askedAt.getTime();
    return {
      alert,
      severityLabel: severity?.label ?? alert.severity,
      tally,
      paths: await readPathViews(tx, dispatchesOf(alert), now),
      rounds,
      leavesAt: isWaiting ? (first.opensAt ?? undefined) : undefined,
      ledger: ['paused', 'cancelled'].includes(alert.dispatchState)
        ? await readLedger(tx, alert.dispatchId)
        : undefined,
      uncertainMessages: await countUncertain(tx, alert.dispatchId),
      alarms: await countAlarms(tx, alert.dispatchId),
      hold: await findHold(tx),
      desk: withWords(await listDesk(tx, alertId), openReply),
      nextCalls: await listNextCalls(tx, alertId, NEXT_CALLS),
      regions: await readRegions(tx, alertId),
      curve: drawCurve({
        answers: await readAnswerMinutes(tx, alertId),
        mustAnswer: tally.mustAnswer,
        elapsedMinutes: elapsedMs / 60_000,
        deadlineMinutes: (severity?.acknowledgeWithinMs ?? Infinity) / 60_000,
      }),
      readAt: now,
    };
  });
}

async function readPathViews(
  tx: Tx,
  dispatchIds: readonly string[],
  now: Date,
): Promise<PathView[]> {
  const gateways = await listGatewayStates(tx);
  const paths = await readPaths(tx, dispatchIds);
  return paths.map((path) => {
    const gateway = gateways.find(({ channel }) => channel === path.channel);
    const inMs =
      gateway === undefined || path.waiting === 0
        ? undefined
        : lastLeavesInMs({ waiting: path.waiting, ...gateway });
    const lastLeavesAt = inMs === undefined ? undefined : new Date(now.getTime() + inMs);
    return { ...path, gateway, lastLeavesAt };
  });
}

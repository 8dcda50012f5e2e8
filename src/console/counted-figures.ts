/** The figures of what was counted and kept up: what `readFigures` counts by SQL. Pure. */
import type { Counted, Standing } from './counted.ts';
import { addCall, type Call, type FigureRow } from './figures.ts';

const LATELY_MS = 5 * 60_000;

type Group = { -readonly [K in keyof FigureRow]: FigureRow[K] } & {
  answeredAfterS: number[];
  nextCalls: Call[];
};

type Moment = {
  readonly now: Date;
  /** Who was reached counts as silent from then on; null: once their chain has ended. */
  readonly callListAt: Date | null;
  readonly callsMost: number;
  /** Ids of those whose network is in foreign hands. */
  readonly cutOff: ReadonlySet<string>;
};

/** What `readFigures` counts, of the same organisations at this moment. */
export function figuresOf(
  { standings }: Counted,
  { now, callListAt, callsMost, cutOff }: Moment,
): FigureRow[] {
  const groups = new Map<string, Group>();
  const isDue = callListAt === null || now >= callListAt;
  for (const [key, standing] of standings) {
    const { region, system, type } = standing;
    const name = `${region}\n${system}\n${type}`;
    let group = groups.get(name);
    if (group === undefined) {
      group = { ...emptyGroup(), region, system, type };
      groups.set(name, group);
    }
    addTo(group, standing, { latelyMs: now.getTime() - LATELY_MS, isDue });
    if (isToRing(standing, isDue)) addCall(group.nextCalls, callOf(key, standing), callsMost);
  }
  for (const group of groups.values())
    group.nextCalls = group.nextCalls.map((call) => {
      const organisationId = idOf(call.organisationId);
      return { ...call, organisationId, isCutOff: cutOff.has(organisationId) };
    });
  return [...groups.values()];
}

/** The id that a key stands for. */
function idOf(key: string): string {
  const hex = Buffer.from(key, 'base64').toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function emptyGroup(): Group {
  return {
    region: null,
    system: null,
    type: null,
    mustAnswer: 0,
    delivered: 0,
    deliveredLately: 0,
    acknowledged: 0,
    acknowledgedLately: 0,
    affected: 0,
    affectedLately: 0,
    help: 0,
    helpLately: 0,
    silent: 0,
    unreachable: 0,
    uncertain: 0,
    waiting: 0,
    toRing: 0,
    notGone: 0,
    noReceipt: 0,
    unanswered: 0,
    notSaid: 0,
    answeredAfterS: [],
    nextCalls: [],
  };
}

type Time = { readonly latelyMs: number; readonly isDue: boolean };

function addTo(group: Group, standing: Standing, { latelyMs, isDue }: Time): void {
  const [answeredAfterS, acknowledgedMs, affected, affectedMs, helpMs] = standing.answer;
  const isLate = (ms: number | null) => Number(ms !== null && ms > latelyMs);
  group.mustAnswer += 1;
  if (standing.arrived > 0) group.delivered += 1;
  group.deliveredLately += isLate(standing.deliveredMs);
  if (affected === 'yes') {
    group.affected += 1;
    group.affectedLately += isLate(affectedMs);
  }
  if (helpMs !== null) group.help += 1;
  group.helpLately += isLate(helpMs);
  if (acknowledgedMs !== null) {
    group.acknowledged += 1;
    group.acknowledgedLately += isLate(acknowledgedMs);
    if (affected === null) group.notSaid += 1;
    group.answeredAfterS.push(answeredAfterS!);
    return;
  }
  group.waiting += 1;
  if (isToRing(standing, isDue)) group.toRing += 1;
  if (standing.arrived > 0) group.unanswered += 1;
  else if (standing.taken > 0) group.noReceipt += 1;
  else {
    group.notGone += 1;
    if (standing.unsure > 0) group.uncertain += 1;
    else if (standing.toCome === 0) group.unreachable += 1;
  }
  if (wasReached(standing) && isToRing(standing, isDue)) group.silent += 1;
}

function wasReached({ arrived, taken }: Standing): boolean {
  return arrived + taken > 0;
}

/** Who was reached only where the call list is due. */
function isToRing(standing: Standing, isDue: boolean): boolean {
  const { answer, toCome } = standing;
  return answer[1] === null && toCome === 0 && (isDue || !wasReached(standing));
}

/** Named by its key: of ten thousand five are shown. */
function callOf(key: string, standing: Standing): Call {
  const { name, unsure, answer } = standing;
  const [, , affected] = answer;
  const unheard = unsure > 0 ? 'uncertain' : 'unreachable';
  const why = wasReached(standing) ? 'silent' : unheard;
  return { organisationId: key, name, why, saysAffected: affected === 'yes', isCutOff: false };
}

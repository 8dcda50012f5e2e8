/** The figures of what was counted and kept up: what `readFigures` counts by SQL. Pure. */
import type { Counted, Standing } from './counted.ts';
import { addCall, type Call, type FigureRow } from './figures.ts';

const LATELY_MS = 5 * 60_000;

type Group = { -readonly [K in keyof FigureRow]: FigureRow[K] } & {
  answeredAfterS: number[];
  nextCalls: Call[];
};

type Moment = {
  readonly nowMs: number;
  readonly callsMost: number;
  /** Ids of those whose network is in foreign hands. */
  readonly cutOff: ReadonlySet<string>;
};

/** What `readFigures` counts, of the same organisations at this moment. */
export function figuresOf(
  { standings }: Counted,
  { nowMs, callsMost, cutOff }: Moment,
): FigureRow[] {
  const groups = new Map<string, Group>();
  for (const [key, standing] of standings) {
    const { region, system, type } = standing;
    const name = `${region}\n${system}\n${type}`;
    let group = groups.get(name);
    if (group === undefined) {
      group = { ...emptyGroup(), region, system, type };
      groups.set(name, group);
    }
    addTo(group, standing, nowMs - LATELY_MS);
    if (isToRing(standing)) addCall(group.nextCalls, callOf(key, standing), callsMost);
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

function addTo(group: Group, standing: Standing, latelyMs: number): void {
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
  if (standing.toCome === 0) group.toRing += 1;
  if (standing.arrived > 0) group.unanswered += 1;
  else if (standing.taken > 0) group.noReceipt += 1;
  else {
    group.notGone += 1;
    if (standing.unsure > 0) group.uncertain += 1;
    else if (standing.toCome === 0) group.unreachable += 1;
  }
  if (standing.arrived + standing.taken > 0 && standing.toCome === 0) group.silent += 1;
}

function isToRing({ answer, toCome }: Standing): boolean {
  return answer[1] === null && toCome === 0;
}

/** Named by its key: of ten thousand five are shown. */
function callOf(key: string, { name, taken, unsure, arrived, answer }: Standing): Call {
  const [, , affected] = answer;
  const unheard = unsure > 0 ? 'uncertain' : 'unreachable';
  const why = arrived + taken > 0 ? 'silent' : unheard;
  return { organisationId: key, name, why, saysAffected: affected === 'yes', isCutOff: false };
}

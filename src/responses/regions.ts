/**
 * Telling regions that organisations of theirs are silent, when the severity says so: their leads
 * are texted once, each with the numbers of the regions that are theirs, and ring from the call
 * list. A text holds no word of an alert and no link.
 */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { record } from '#audit/index.ts';
import { blanksFor, REGIONS_TASK } from '#alerts/index.ts';
import { lockWaking, selectWakeableOf, tellPeople, type Told } from '#identity/index.ts';
import {
  fillBlanks,
  marked,
  regionRule,
  regionTime,
  rulesOf,
  severityFor,
  singleReason,
  type OperatingModel,
} from '#operating-model/index.ts';
import { findChase, listSilentRegions, type SilentRegion } from './store-regions.ts';

/** A pause has no end that anybody knows: look again after so long. */
const LOOK_AGAIN_MS = 5 * 60_000;

/** Hears of a release, and of the timer that it sets itself. */
export async function tellRegions(
  database: Database,
  { model: inForce, now }: { readonly model: OperatingModel; readonly now: Date },
  alertId: string,
): Promise<void> {
  await database.withActor(system('regions'), async (tx) => {
    const chase = await findChase(tx, alertId);
    if (chase === undefined) return;
    const model = await rulesOf(tx, chase.modelVersion, inForce);
    const severity = severityFor(model, chase);
    const dueMs = severity && regionTime(severity, chase.askedAt.getTime());
    if (severity?.tellRegion === undefined || dueMs === undefined) return;
    const waitMs = Math.max(dueMs - now.getTime(), chase.isPaused ? LOOK_AGAIN_MS : 0);
    if (waitMs > 0) return await setTimer(tx, alertId, new Date(now.getTime() + waitMs));
    await lockWaking(tx);
    const silent = await listSilentRegions(tx, alertId);
    const { wake: roles } = severity.tellRegion;
    const regionCodes = silent.map(({ code }) => code);
    const leads = await selectWakeableOf(tx, { roles, regionCodes });
    const words = { ...blanksFor(model, chase) };
    const told = leads.map((person): Told => {
      const theirs = silent.filter(({ code }) => person.regionCodes.includes(code));
      const body = fillBlanks(model.texts.regionTold, { ...words, ...sum(theirs) });
      return { person, body: marked(model, chase.exercise, body) };
    });
    const one = { kind: 'region', subjectId: alertId, dueAt: new Date(dueMs), step: 1 };
    const fact = `organisations of theirs are silent on alert ${chase.alertNumber}`;
    const fresh = await tellPeople(tx, one, told, {
      because: singleReason(model, regionRule(severity), fact),
      perHourMax: model.textsPerNumber.most,
    });
    const reached = new Set(leads.flatMap((person) => person.regionCodes));
    await record(tx, {
      action: 'regions.told',
      subject: { kind: 'alert', id: alertId },
      detail: {
        people: fresh.length,
        regions: regionCodes,
        nobodyIn: regionCodes.filter((code) => !reached.has(code)),
      },
    });
  });
}

async function setTimer(tx: Tx, alertId: string, runAt: Date): Promise<void> {
  await enqueue(tx, REGIONS_TASK, { alertId }, { runAt, jobKey: `regions ${alertId}` });
}

/** The regions of one lead as their text has them: the first by name, the others by number. */
function sum(regions: readonly SilentRegion[]): Record<string, string> {
  const total = (of: (region: SilentRegion) => number) =>
    String(regions.reduce((all, region) => all + of(region), 0));
  const others = regions.length > 1 ? ` +${regions.length - 1}` : '';
  return {
    region: `${regions[0]!.name}${others}`,
    silent: total(({ silent }) => silent),
    asked: total(({ asked }) => asked),
  };
}

/** What an officer should know of the saved audiences that an alert holds. */
import { ok, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import {
  countChanges,
  everybody,
  findAudience,
  listWillGo,
  nameForm,
  AUDIENCE_NAME_MAX,
  saveAudience,
  type AudienceQuestion,
} from '#organisations/index.ts';
import { formIdOf, many, parseForm, type Form } from '#web/index.ts';
import type { Draft } from './draft.ts';

export type HeldAudience = {
  readonly id: string;
  readonly name: string;
  /** The version that the alert holds, and that of today. */
  readonly version: number;
  readonly versionToday: number;
  readonly isRetired: boolean;
  /** Since the version of today was saved, because the directory changed. */
  readonly came: number;
  readonly went: number;
};

export async function listHeldAudiences(
  tx: Tx,
  question: AudienceQuestion,
): Promise<HeldAudience[]> {
  const held: HeldAudience[] = [];
  for (const { id, version } of question.audiences) {
    const today = await findAudience(tx, id);
    if (today === undefined) continue;
    const changes = await countChanges(tx, { audienceId: id, question: today.question });
    held.push({
      id,
      name: today.name,
      version,
      versionToday: today.version,
      isRetired: today.retiredAt !== null,
      ...changes,
    });
  }
  return held;
}

const DAY_MS = 86_400_000;
/** More are counted as "more than". */
const GOING_MAX = 999;

/** How many of the audience will not be in it soon, as far as the directory knows. */
export async function countWillGo(
  tx: Tx,
  question: AudienceQuestion,
  { audienceLookAheadMs }: Pick<OperatingModel, 'audienceLookAheadMs'>,
): Promise<{ days: number; organisations: number }> {
  const days = Math.floor(audienceLookAheadMs / DAY_MS);
  const going = await listWillGo(tx, question, { days, limit: GOING_MAX });
  return { days, organisations: going.length };
}

/**
 * The draft with its question saved under the name that was typed for it, and held by that name;
 * the draft itself where none was typed.
 */
export async function saveAudienceOf(
  tx: Tx,
  { form, draft, now }: { form: Form; draft: Draft; now: Date },
): Promise<Outcome<Draft>> {
  const typed = (many(form['audienceName'])[0] ?? '').trim();
  if (typed === '') return ok(draft);
  // Of a new alert the id of its form: posted twice it is one audience, as it is one alert.
  const id = formIdOf(form);
  const name = parseForm(nameForm(AUDIENCE_NAME_MAX), { name: typed });
  const saved = name.ok
    ? await saveAudience(tx, { id, ...name.value, question: draft.audience, now })
    : name;
  if (!saved.ok) return { ...saved, fields: besideName(saved.fields) };
  const { version } = saved.value;
  return ok({ ...draft, audience: { ...everybody, audiences: [{ how: 'and', id, version }] } });
}

/** The name of the audience has a field of its own in the composer. */
function besideName({ name, ...fields }: Readonly<Record<string, string>>) {
  return name === undefined ? fields : { ...fields, audienceName: name };
}

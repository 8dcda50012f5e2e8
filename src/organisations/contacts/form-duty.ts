/** Hours and absences as forms write them and pages say them. Pure. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { many, type Form } from '#web/index.ts';
import type { Absence, DutyHours, ToldAt } from './store-duty.ts';

export const weekdays = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
] as const;

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

/** `from_1` and `to_1` are Monday's; both empty: not on duty that day. */
export function parseHours(form: Form): Outcome<DutyHours[]> {
  const errors: Record<string, string> = {};
  const hours = weekdays.flatMap((day, i) => {
    const weekday = i + 1;
    const [startsAt, endsAt] = [`from_${weekday}`, `to_${weekday}`].map((field) =>
      (many(form[field])[0] ?? '').trim().slice(0, 5),
    ) as [string, string];
    if (startsAt === '' && endsAt === '') return [];
    if (TIME.test(startsAt) && TIME.test(endsAt)) return [{ weekday, startsAt, endsAt }];
    errors[`from_${weekday}`] = `${day} needs two times such as 09:00 and 17:30`;
    return [];
  });
  if (Object.keys(errors).length === 0) return ok(hours);
  return refused('invalid', Object.values(errors).join('. '), errors);
}

const WALL = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d$/;

export type AbsenceForm = {
  /** On the wall, such as `2026-11-23T08:00`. */
  readonly from: string;
  readonly until: string;
  readonly coverId: string | null;
  /** A part of the name, where there are too many to choose of; empty: nobody was named. */
  readonly coverName: string;
};

const NAME_MAX = 120;

/** The fields of an absence, to be shown again. */
export const absenceFields = ['from', 'until', 'cover', 'coverName'];

export function coverNameOf(form: Form = {}): string {
  return (many(form['coverName'])[0] ?? '').trim().slice(0, NAME_MAX);
}

export function parseAbsence(form: Form): Outcome<AbsenceForm> {
  const [from, until, cover] = ['from', 'until', 'cover'].map((field) =>
    (many(form[field])[0] ?? '').trim(),
  ) as [string, string, string];
  const errors: Record<string, string> = {};
  for (const [field, value] of Object.entries({ from, until })) {
    if (!isWallTime(value)) errors[field] = 'Give a day and a time such as 2026-11-23T08:00';
  }
  if (cover !== '' && !/^[0-9a-f-]{36}$/.test(cover))
    errors['cover'] = 'Choose one of those offered';
  if (Object.keys(errors).length === 0)
    return ok({ from, until, coverId: cover || null, coverName: coverNameOf(form) });
  return refused('invalid', Object.values(errors)[0] ?? '', errors);
}

export function isWallTime(text: string): boolean {
  // PostgreSQL has no year 0.
  if (!WALL.test(text) || text < '1000') return false;
  const time = Date.parse(`${text}:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** One row for each day of the week, as stored, or as `typed` where that was refused. */
export function hoursWords(hours: readonly DutyHours[], typed: Form = {}) {
  return weekdays.map((day, i) => {
    const stretch = hours.find(({ weekday }) => weekday === i + 1);
    return {
      weekday: i + 1,
      day,
      from: many(typed[`from_${i + 1}`])[0] ?? stretch?.startsAt ?? '',
      to: many(typed[`to_${i + 1}`])[0] ?? stretch?.endsAt ?? '',
      runsOver: stretch !== undefined && stretch.endsAt <= stretch.startsAt,
    };
  });
}

/** `Monday to Friday 08:00 to 18:00, Sunday 10:00 to 12:00`; without hours `always`. */
export function weekWords(hours: readonly DutyHours[]): string {
  const runs: { first: number; last: number; times: string }[] = [];
  for (const day of weekdays.keys()) {
    const times = hours
      .filter(({ weekday }) => weekday === day + 1)
      .map(({ startsAt, endsAt }) => `${startsAt} to ${endsAt}`)
      .join(' and ');
    if (times === '') continue;
    const run = runs.at(-1);
    if (run?.times === times && run.last === day - 1) run.last = day;
    else runs.push({ first: day, last: day, times });
  }
  const daysOf = ({ first, last }: { first: number; last: number }) =>
    first === last ? weekdays[first] : `${weekdays[first]} to ${weekdays[last]}`;
  return runs.map((run) => `${daysOf(run)} ${run.times}`).join(', ') || 'always';
}

export function absenceWords(absence: Absence, now: Date) {
  return { ...absence, isNow: absence.startsAt <= now };
}

export type ChainLine = {
  readonly rank: number;
  readonly name: string;
  readonly roleLabel: string;
  readonly told: string;
  /** Why it is not as the ranks alone would have it; empty where it is. */
  readonly note: string;
};

const channelWords = { text: 'text', mail: 'mail', landline: 'landline' } as const;

/** The chain at a moment in words: who is told by what, in whose place, and who is passed over. */
export function chainWords(
  chain: readonly ToldAt[],
  roles: Readonly<Record<string, { readonly label: string }>>,
): { readonly told: readonly ChainLine[]; readonly passedOver: readonly ChainLine[] } {
  const lineOf = (row: ToldAt): ChainLine => ({
    rank: row.rank,
    name: row.contactName,
    roleLabel: roles[row.role]?.label ?? row.role,
    told: row.told
      .toSorted()
      .toReversed()
      .map((channel) => channelWords[channel])
      .join(' and '),
    note: noteOn(row),
  });
  return {
    told: chain.filter(({ told }) => told.length > 0).map(lineOf),
    passedOver: chain.filter(({ told }) => told.length === 0).map(lineOf),
  };
}

function noteOn({ seatId, contactId, seatName, told, passedOver }: ToldAt): string {
  if (seatId !== contactId) return `in the place of ${seatName}, who is away`;
  if (passedOver.length === 0) return '';
  if (told.length === 0) return 'not on duty, and somebody else is';
  const others = passedOver.map((channel) => channelWords[channel]).join(' and ');
  return `not on duty: by ${others} somebody else is told`;
}

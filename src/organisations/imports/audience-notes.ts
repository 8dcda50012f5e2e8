/** What a file of organisations would do to the saved audiences, in words. */
import type { Tx } from '#db/database.ts';
import { dateOnly } from '#web/index.ts';
import { listAudienceShifts, type AudienceShift } from '../audiences/losses.ts';
import type { OrganisationPlan } from './plan-organisations.ts';
import { dayAfter } from '../successions/succession.ts';

/** A sentence for each audience that loses or gains somebody today, or by the last date of the plan. */
export async function tryAudiences(
  tx: Tx,
  plan: Pick<OrganisationPlan, 'added' | 'changed'>,
  today: string,
  write: () => Promise<unknown>,
): Promise<string[]> {
  const last = lastDay(plan);
  const days = last > today ? [today, last] : [today];
  return shiftWords(await listAudienceShifts(tx, days, write), today);
}

/** The first day on which all openings and closings of the plan have come; empty without any. */
function lastDay({ added, changed }: Pick<OrganisationPlan, 'added' | 'changed'>): string {
  return [...added, ...changed]
    .flatMap(({ openedOn, closedOn }) => [
      openedOn ?? '',
      closedOn === null ? '' : dayAfter(closedOn),
    ])
    .reduce((last, day) => (day > last ? day : last), '');
}

/** What a later day only repeats is left out. */
export function shiftWords(shifts: readonly AudienceShift[], today: string): string[] {
  const now = new Map(
    shifts.filter(({ onDate }) => onDate === today).map((shift) => [shift.name, shift]),
  );
  return shifts.flatMap((shift) => {
    const { name, onDate, went, came } = shift;
    if (onDate !== today && isSame(now.get(name), shift)) return [];
    const day = dateOnly(new Date(`${onDate}T12:00:00Z`));
    const when = onDate === today ? 'today' : `by ${day}`;
    const words = [
      ...(went.length === 0 ? [] : [`loses ${went.length} ${when} (${named(went)})`]),
      ...(came.length === 0 ? [] : [`gains ${came.length} ${when} (${named(came)})`]),
    ];
    return [`Audience “${name}” ${words.join(' and ')}.`];
  });
}

function isSame(one: AudienceShift | undefined, other: AudienceShift): boolean {
  const told = ({ went, came }: AudienceShift) => JSON.stringify([went, came]);
  return one !== undefined && told(one) === told(other);
}

const CODES_NAMED_MAX = 10;

/** The first codes, and how many more there are. */
export function named(codes: readonly string[]): string {
  const first = codes.slice(0, CODES_NAMED_MAX).join(', ');
  const more = codes.length - CODES_NAMED_MAX;
  return more > 0 ? `${first} and ${more} more` : first;
}

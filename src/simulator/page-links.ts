export type PageLinks = {
  readonly number: number;
  readonly count: number;
  readonly previous: string | null;
  readonly next: string | null;
};

/** Cuts one page out of a list, and the links to the pages beside it. */
export function paginate<T>(
  items: readonly T[],
  pageSize: number,
  query: URLSearchParams,
): { readonly shown: readonly T[]; readonly links: PageLinks } {
  const count = Math.max(Math.ceil(items.length / pageSize), 1);
  const asked = Math.floor(Number(query.get('page') ?? 1));
  const number = Math.min(Math.max(Number.isFinite(asked) ? asked : 1, 1), count);
  const linkTo = (page: number): string | null => {
    if (page < 1 || page > count) return null;
    const next = new URLSearchParams(query);
    next.set('page', page.toString());
    return `?${next.toString()}`;
  };
  const shown = items.slice((number - 1) * pageSize, number * pageSize);
  return {
    shown,
    links: { number, count, previous: linkTo(number - 1), next: linkTo(number + 1) },
  };
}

const CLOCK = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const DAY = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  day: 'numeric',
  month: 'short',
});

export type ShownTime = { readonly machine: string; readonly text: string };

/** `14:02:11` for today, with the day in front for other days; London time. */
export function showTime(micros: number, nowMs: number): ShownTime {
  const at = new Date(micros / 1000);
  const isToday = DAY.format(at) === DAY.format(nowMs);
  const clock = CLOCK.format(at);
  return { machine: at.toISOString(), text: isToday ? clock : `${DAY.format(at)}, ${clock}` };
}

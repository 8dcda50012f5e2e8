/**
 * Times for people. The centre works by the clock on its wall (Europe/London, summer time and
 * all); machines get the exact instant in `<time datetime>`. The present is always an argument.
 */
import { londonDay, ZONE } from '#kernel/day.ts';

const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const date = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});
const hourAndDay = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  hour: '2-digit',
  hourCycle: 'h23',
  weekday: 'short',
});

/** The hour in London, 0 to 23, and whether it is Monday to Friday there. */
export function londonHour(at: Date): { readonly hour: number; readonly isWorkingDay: boolean } {
  const parts = hourAndDay.formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return { hour: Number(part('hour')), isWorkingDay: !['Sat', 'Sun'].includes(part('weekday')) };
}

/** `03:12` */
export function clockTime(at: Date): string {
  return clock.format(at);
}

const clockWithSeconds = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  timeStyle: 'medium',
});

/** `03:12:45` */
export function clockSeconds(at: Date): string {
  return clockWithSeconds.format(at);
}

/** `14 November 2026` */
export function dateOnly(at: Date): string {
  return date.format(at);
}

const month = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, month: 'long', year: 'numeric' });

/** `November 2026` */
export function monthOnly(at: Date): string {
  return month.format(at);
}

/** `14 November 2026 at 03:12` */
export function dateTime(at: Date): string {
  return `${dateOnly(at)} at ${clockTime(at)}`;
}

/** `03:12` today, `14 November 2026 at 03:12` on any other day. */
export function clockOrDate(at: Date, now: Date): string {
  return londonDay(at) === londonDay(now) ? clockTime(at) : dateTime(at);
}

const shortDate = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  day: 'numeric',
  month: 'short',
});

/** For texts, where each character counts: `03:12` today, `14 Nov 03:12` on any other day. */
export function textTime(at: Date, now: Date): string {
  const time = clockTime(at);
  return londonDay(at) === londonDay(now) ? time : `${shortDate.format(at)} ${time}`;
}

const MINUTE = 60_000;

/** `less than a minute`, `14 min`, `3 h 5 min`, `2 days`; rounded down, never negative. */
export function duration(milliseconds: number): string {
  const minutes = Math.floor(Math.abs(milliseconds) / MINUTE);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** `due in 14 min`, `overdue by 3 min`, `due now`. */
export function due(at: Date, now: Date): string {
  const left = at.getTime() - now.getTime();
  if (Math.abs(left) < MINUTE) return 'due now';
  return left > 0 ? `due in ${duration(left)}` : `overdue by ${duration(left)}`;
}

/** `14 min ago`, `just now`. */
export function ago(at: Date, now: Date): string {
  const since = now.getTime() - at.getTime();
  return since < MINUTE ? 'just now' : `${duration(since)} ago`;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** ISO 8601 without years and months; whole numbers, and never nothing after `P` or `T`. */
export const DURATION =
  /^P(?!$)(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?$/;

/**
 * Milliseconds of an ISO 8601 duration such as `PT15M` or `P5D`; undefined where it is none. Years
 * and months are refused: their length depends on the day one starts from.
 */
export function parseDurationMs(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const [, weeks, days, hours, minutes, seconds] = match.map((part) => Number(part ?? 0));
  return (
    (weeks! * 7 + days!) * DAY_MS + hours! * HOUR_MS + minutes! * MINUTE_MS + seconds! * SECOND_MS
  );
}

/** The shortest way to write it: `PT15M`, `P5D`, `PT1H30M`. */
export function formatDuration(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  const hours = Math.floor((ms % DAY_MS) / HOUR_MS);
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  const seconds = (ms % MINUTE_MS) / SECOND_MS;
  const time = [hours && `${hours}H`, minutes && `${minutes}M`, seconds && `${seconds}S`];
  const clock = time.filter(Boolean).join('');
  if (days === 0 && clock === '') return 'PT0M';
  return `P${days > 0 ? `${days}D` : ''}${clock === '' ? '' : `T${clock}`}`;
}

/**
 * As people say it, and exact: `15 min`, `48 h`, `5 days`. Up to three days in hours, as deadlines
 * are written; `at once` where it is nothing, `5 min before` where it is less.
 */
export function spokenDuration(ms: number): string {
  if (ms === 0) return 'at once';
  if (ms < 0) return `${spokenDuration(-ms)} before`;
  const days = ms <= 3 * DAY_MS ? 0 : Math.floor(ms / DAY_MS);
  const rest = ms - days * DAY_MS;
  const hours = Math.floor(rest / HOUR_MS);
  const minutes = Math.floor((rest % HOUR_MS) / MINUTE_MS);
  const seconds = (rest % MINUTE_MS) / SECOND_MS;
  const parts = [
    days && `${days} ${days === 1 ? 'day' : 'days'}`,
    hours && `${hours} h`,
    minutes && `${minutes} min`,
    seconds && `${seconds} s`,
  ];
  return parts.filter(Boolean).join(' ');
}

/** A year as tables: what it comes to, and month by month. A column for each set of rules. Pure. */
import { formatMoney } from '#kernel/money.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { counted } from './csv.ts';
import type { Year, YearOfMonth } from './year.ts';

/** As `January 2027`. */
type NameMonth = (at: Date) => string;

/** A month in words, as the page, the file and the command say it. */
export type MonthWords = {
  readonly texts: string;
  readonly cost: string;
  /** Of all that were to be told, in 15 and in 60 minutes. */
  readonly told: readonly string[];
  /** Of all that had to answer. */
  readonly answered: readonly string[];
  /** None: nothing that a rehearsal can see. */
  readonly breaks: readonly string[];
};

export function monthInWords(month: YearOfMonth): MonthWords {
  const { organisations, hadToAnswer, suppressed, expired, noGateway, overCap } = month;
  const breaks: [count: number, one: string, more: string][] = [
    [noGateway, 'message has no gateway', 'messages have no gateway'],
    [
      expired,
      'message is too old before it can leave',
      'messages are too old before they can leave',
    ],
    [month.unreachable, 'organisation is never reached', 'times an organisation is never reached'],
    [overCap, 'alert costs more than it may', 'alerts cost more than they may'],
    [suppressed, 'text is too many for its number', 'texts are too many for their number'],
  ];
  return {
    texts: counted(month.texts),
    cost: formatMoney(month.costPence),
    told: month.told.map((part) => percent(part, organisations)),
    answered: month.answered.map((part) => percent(part, hadToAnswer)),
    breaks: breaks.flatMap(([count, one, more]) =>
      count === 0 ? [] : [`${counted(count)} ${count === 1 ? one : more}`],
    ),
  };
}

/** Never 100 % where somebody is left out. */
function percent(part: number, all: number): string {
  return all === 0 ? '-' : `${Math.floor((100 * part) / all)} %`;
}

/** Head, then a row for each month and set of rules. */
export function monthTable(
  years: readonly Year[],
  names: readonly string[],
  nameMonth: NameMonth,
): string[][] {
  const head = [
    'Month from',
    'Rules',
    'Alerts',
    'Texts',
    'Cost',
    'Told within 15 min',
    'Told within 60 min',
    'Answered within 15 min',
    'Answered within 60 min',
    'What breaks',
  ];
  const months = years[0]?.months ?? [];
  const rows = months.flatMap(({ beginsAtMs }, i) =>
    years.map(({ months: own }, side) => {
      const { texts, cost, told, answered, breaks } = monthInWords(own[i]!);
      const name = nameMonth(new Date(beginsAtMs));
      const alerts = counted(own[i]!.alerts);
      const broken = breaks.join('; ') || 'nothing';
      return [name, names[side]!, alerts, texts, cost, ...told, ...answered, broken];
    }),
  );
  return [head, ...rows];
}

/** What the year comes to, then each severity. */
export function yearTable(
  years: readonly Year[],
  models: readonly Pick<OperatingModel, 'severities'>[],
  names: readonly string[],
): string[][] {
  const row = (what: string, of: (year: Year) => string) => [what, ...years.map(of)];
  const ids = [...new Set(models.flatMap(({ severities }) => severities.map(({ id }) => id)))];
  const bySeverity = ids.flatMap((id) => {
    const found = (year: Year) => year.severities.find((one) => one.severity === id);
    const label = years.map((year) => found(year)?.label).find(Boolean) ?? id;
    return [
      row(`${label}: alerts`, (year) => counted(found(year)?.alerts ?? 0)),
      row(`${label}: texts`, (year) => counted(found(year)?.texts ?? 0)),
      row(`${label}: answered in time, of 100`, (year) => {
        const { answeredInTime = 0, hadToAnswer = 0 } = found(year) ?? {};
        return hadToAnswer === 0 ? '-' : String(Math.round((100 * answeredInTime) / hadToAnswer));
      }),
      row(`${label}: names on the call list`, (year) => counted(found(year)?.listed ?? 0)),
    ];
  });
  return [
    ['', ...names],
    row('Alerts', ({ alerts }) => counted(alerts)),
    row('Texts', ({ texts }) => counted(texts)),
    row('Mails', ({ mails }) => counted(mails)),
    row('Cost', ({ costPence }) => formatMoney(costPence)),
    row('Texts to the number that has most', ({ textsToOne }) => counted(textsToOne.most)),
    row('Texts to a number in the middle', ({ textsToOne }) => counted(textsToOne.median)),
    ...bySeverity,
  ];
}

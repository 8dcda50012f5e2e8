/** A year of alerts on a page, drawn while it is played, and the same as a file. Nothing is written. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import type { Tx } from '#db/database.ts';
import { formatMoney } from '#kernel/money.ts';
import { ok, type Outcome } from '#kernel/outcome.ts';
import {
  csvFile,
  dateOnly,
  events,
  eventStream,
  file,
  notFound,
  page,
  refusalStatus,
  refusedPage,
  view,
  type Reply,
  type Route,
} from '#web/index.ts';
import { counted } from './csv.ts';
import {
  playYears,
  readYear,
  rehearseYears,
  usualYear,
  type Year,
  type YearScene,
} from './rehearse-year.ts';
import {
  addressOf,
  formView,
  query,
  readQuestion,
  type Question,
  type Typed,
  type WhatIfRoutesContext,
} from './question.ts';
import { monthInWords, monthTable, yearTable } from './year-table.ts';

/** `whole`: the year in the page, for whoever has no script; else it is drawn while it is played. */
const yearQuery = z.object({ go: z.literal('yes').optional(), whole: z.literal('yes').optional() });

type Flags = z.infer<typeof yearQuery>;

const typedQuery = query.and(yearQuery) as unknown as z.ZodType<Typed & Flags>;

export function yearRoutes(context: WhatIfRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/what-if/year',
      access: ['model.read', 'alert.read'],
      query: typedQuery,
      handle: async ({ actor, query: typed, now }) => {
        const read = await database.withActor(actor, (tx) => pageOf(tx, context, { typed, now }));
        if (read.scene === undefined) return read.reply;
        const result = resultView(read.scene, await rehearseYears(read.scene.played));
        return view('what-if/year.njk', { ...read.model, result });
      },
    }),
    page({
      method: 'GET',
      path: '/what-if/year.csv',
      access: ['model.read', 'alert.read'],
      query: typedQuery,
      handle: async ({ actor, query: typed, now }) => {
        const scene = await database.withActor(actor, (tx) => sceneOf(tx, context, { typed, now }));
        if (!scene.ok) return scene.kind === 'not_found' ? notFound() : refusedPage(scene);
        const { played, names } = scene.value;
        const years = await rehearseYears(played);
        const models = played.sides.map(({ model }) => model);
        const rows = [
          ...monthTable(years, names, dateOnly),
          [],
          ...yearTable(years, models, names),
        ];
        return file(`year-${londonDay(now)}.csv`, 'text/csv; charset=utf-8', csvFile(rows));
      },
    }),
    eventStream({
      path: '/what-if/year/events',
      access: ['model.read', 'alert.read'],
      query: typedQuery,
      handle: async ({ actor, query: typed, now }) => {
        const scene = await database.withActor(actor, (tx) => sceneOf(tx, context, { typed, now }));
        return scene.ok ? events((signal) => drawn(scene.value, signal)) : notFound();
      },
    }),
  ];
}

type YearRequest = { readonly typed: Typed & Flags; readonly now: Date };

type Scene = Pick<Question, 'names' | 'changes'> & {
  readonly played: YearScene;
  readonly audienceName: string;
};

async function sceneOf(
  tx: Tx,
  context: WhatIfRoutesContext,
  request: YearRequest,
): Promise<Outcome<Scene>> {
  const question = await readQuestion(tx, context, request);
  if (!question.ok) return question;
  const { subject, models, names, changes } = question.value;
  const played = await readYear(tx, subject.imagined, models);
  return ok({ played, names, changes, audienceName: subject.audienceName });
}

type Read =
  | { readonly scene: undefined; readonly reply: Reply }
  | { readonly scene: Scene; readonly model: object };

/** The form, or the form with what is to be played below it. */
async function pageOf(tx: Tx, context: WhatIfRoutesContext, request: YearRequest): Promise<Read> {
  const { typed } = request;
  const scene = typed.go === 'yes' ? await sceneOf(tx, context, request) : undefined;
  if (scene?.ok === false && scene.kind === 'not_found')
    return { scene: undefined, reply: notFound() };
  const refusal = scene?.ok === false ? scene : undefined;
  const { whole, ...asked } = typed;
  const model = {
    ...(await formView(tx, context, { typed, refusal })),
    alertsAMonth: usualYear.alertsAMonth,
    address: addressOf(asked),
    asked: scene?.ok === true ? headOf(scene.value) : undefined,
  };
  if (whole === 'yes' && scene?.ok === true) return { scene: scene.value, model };
  const status = refusal === undefined ? {} : { status: refusalStatus(refusal.kind).status };
  return { scene: undefined, reply: view('what-if/year.njk', model, status) };
}

function headOf({ played: { imagined, directory }, names, audienceName, changes }: Scene) {
  const inWords = ({ text, mail }: (typeof usualYear)['byDay']) =>
    [text, mail].map(({ share, medianMinutes }) => ({
      percent: Math.round(share * 100),
      medianMinutes,
    }));
  return {
    names,
    audienceName,
    changes,
    organisations: directory.organisations.length,
    beginsAt: new Date(imagined.releasedAtMs),
    seed: imagined.seed,
    byDay: inWords(usualYear.byDay),
    byNight: inWords(usualYear.byNight),
  };
}

/** Twenty pictures of how far it has come, then the year; then it stays as it is. */
async function* drawn(scene: Scene, signal: AbortSignal) {
  const name = 'year';
  const playing = playYears(scene.played);
  const step = Math.max(1, (12 * usualYear.alertsAMonth * scene.names.length) / 20);
  for (;;) {
    const { done, value } = await playing.next();
    if (signal.aborted) return;
    if (done === true) {
      const model = { result: resultView(scene, value), asked: headOf(scene) };
      yield { name, template: 'what-if/year-result.njk', model };
      break;
    }
    if (value.done % Math.round(step) === 0)
      yield { name, template: 'what-if/year-progress.njk', model: { progress: value } };
  }
  // An end would have the browser come back and play it again.
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
}

function resultView({ names, played }: Scene, years: readonly Year[]) {
  const models = played.sides.map(({ model }) => model);
  const [, ...rows] = yearTable(years, models, names);
  const figure = (label: string, of: (year: Year) => string) => {
    const values = years.map(of);
    return { label, values, differs: new Set(values).size > 1 };
  };
  const sum = (year: Year, of: (month: Year['months'][number]) => number) =>
    year.months.reduce((all, month) => all + of(month), 0);
  const share = (part: number, all: number) =>
    all === 0 ? '-' : `${Math.floor((100 * part) / all)} %`;
  return {
    names,
    figures: [
      figure('Texts', ({ texts }) => counted(texts)),
      figure('Cost with VAT', ({ costPence }) => formatMoney(costPence)),
      figure('Told within 15 min', (year) =>
        share(
          sum(year, ({ told }) => told[0]!),
          sum(year, ({ organisations }) => organisations),
        ),
      ),
      figure('Answered within 60 min', (year) =>
        share(
          sum(year, ({ answered }) => answered[1]!),
          sum(year, ({ hadToAnswer }) => hadToAnswer),
        ),
      ),
    ],
    months: (years[0]?.months ?? []).map(({ beginsAtMs, alerts }, i) => ({
      from: new Date(beginsAtMs),
      alerts,
      sides: years.map(({ months }) => monthInWords(months[i]!)),
    })),
    rows: rows.map(([what, ...values]) => ({
      what,
      values,
      differs: new Set(values).size > 1,
    })),
    breaks: years.map(({ breaks }) => breaks),
  };
}

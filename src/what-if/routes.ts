/** The page on which an alert is rehearsed, and the same as a file. Nothing is written. */
import { londonDay } from '#kernel/day.ts';
import type { Tx } from '#db/database.ts';
import { ok, type Outcome } from '#kernel/outcome.ts';
import {
  csvFile,
  file,
  notFound,
  page,
  refusalStatus,
  refusedPage,
  view,
  type Reply,
  type Route,
} from '#web/index.ts';
import { figureRows, rehearsalTable } from './csv.ts';
import { drawSides } from './curve.ts';
import {
  addressOf,
  formView,
  query,
  readQuestion,
  type Question,
  type Request,
  type WhatIfRoutesContext,
} from './question.ts';
import { rehearse, type Side } from './rehearse.ts';

export function whatIfRoutes(context: WhatIfRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/what-if',
      access: ['model.read', 'alert.read'],
      query,
      handle: async ({ actor, query: typed, now }) =>
        await context.database.withActor(actor, (tx) => show(tx, context, { typed, now })),
    }),
    page({
      method: 'GET',
      path: '/what-if.csv',
      access: ['model.read', 'alert.read'],
      query,
      handle: async ({ actor, query: typed, now }) =>
        await context.database.withActor(actor, async (tx) => {
          const done = await rehearsed(tx, context, { typed, now });
          if (!done.ok) return done.kind === 'not_found' ? notFound() : refusedPage(done);
          const rows = rehearsalTable(done.value.sides, done.value.names);
          return file(`what-if-${londonDay(now)}.csv`, 'text/csv; charset=utf-8', csvFile(rows));
        }),
    }),
  ];
}

async function show(tx: Tx, context: WhatIfRoutesContext, { typed, now }: Request): Promise<Reply> {
  const done = await rehearsed(tx, context, { typed, now });
  if (!done.ok && done.kind === 'not_found') return notFound();
  const status = done.ok ? {} : { status: refusalStatus(done.kind).status };
  const result = done.ok ? resultView(done.value) : undefined;
  return view(
    'what-if/what-if.njk',
    {
      ...(await formView(tx, context, { typed, refusal: done.ok ? undefined : done })),
      result,
      address: addressOf(typed),
    },
    status,
  );
}

type Rehearsed = Omit<Question, 'models'> & { readonly sides: readonly Side[] };

async function rehearsed(
  tx: Tx,
  context: WhatIfRoutesContext,
  request: Request,
): Promise<Outcome<Rehearsed>> {
  const question = await readQuestion(tx, context, request);
  if (!question.ok) return question;
  const { models, ...rest } = question.value;
  const sides = await rehearse(tx, rest.subject.imagined, models);
  return sides.ok ? ok({ ...rest, sides: sides.value }) : sides;
}

function resultView({ subject, sides, names, changes }: Rehearsed) {
  const { imagined, title, audienceName, alertId } = subject;
  const { text, mail } = imagined.behaviour;
  const inWords = ({ share, medianMinutes }: typeof text) => ({
    percent: Math.round(share * 100),
    medianMinutes,
  });
  const roles = [...new Set(sides.flatMap(({ summary }) => summary.roles.map(({ role }) => role)))];
  return {
    title,
    audienceName,
    alertId,
    alertNumber: imagined.alertNumber,
    releasedAt: new Date(imagined.releasedAtMs),
    severity: sides[0]!.severity,
    isExercise: imagined.exercise,
    seed: imagined.seed,
    behaviour: { text: inWords(text), mail: inWords(mail) },
    names,
    changes,
    figures: headline(sides),
    rows: figureRows(sides).map((row) => ({
      ...row,
      differs: new Set(row.values).size > 1,
    })),
    roles: roles.map((role) => ({
      label: sides.map(({ model }) => model.contactRoles[role]?.label).find(Boolean) ?? role,
      counts: sides.map(({ summary }) => rolePart(summary.roles.find((one) => one.role === role))),
    })),
    curves: drawSides(sides),
    breaks: sides.map(({ breaks }) => breaks),
    anyBreaks: sides.some(({ breaks }) => breaks.length > 0),
  };
}

type Role = Side['summary']['roles'][number];

/** By round: texts and mails together. */
function rolePart(found: Role | undefined): number[] {
  return (found?.texts ?? []).map((texts, i) => texts + (found?.mails[i] ?? 0));
}

/** The four figures somebody decides by, each with its value under every set of rules. */
function headline(sides: readonly Side[]) {
  const pick = (what: string) => figureRows(sides).find((row) => row.what === what)!;
  return [
    { label: 'Texts', ...pick('Texts') },
    { label: 'Cost with VAT', ...pick('Cost') },
    { label: 'Answered within 15 min', ...pick('Answered within 15 min') },
    { label: 'Call list fills after', ...pick('First silent name on the call list after') },
  ].map((one) => ({ ...one, differs: new Set(one.values).size > 1 }));
}

/** The page on which an alert is rehearsed, and the same as a file. Nothing is written. */
import { z } from 'zod';
import type { Database, Tx } from '#db/database.ts';
import { isUuid } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { AlertContext } from '#alerts/index.ts';
import {
  diffModels,
  findPinnedModel,
  findProposal,
  findWaitingProposal,
  listAdoptions,
  parseOperatingModel,
  type OperatingModel,
} from '#operating-model/index.ts';
import { listAudiences } from '#organisations/index.ts';
import {
  csvFile,
  file,
  formModel,
  londonDay,
  notFound,
  page,
  refusalStatus,
  refusedPage,
  view,
  type Reply,
  type Route,
} from '#web/index.ts';
import { presets } from './behaviour.ts';
import { figureRows, rehearsalTable } from './csv.ts';
import { drawSides } from './curve.ts';
import { imagine, type Subject } from './imagine.ts';
import { fieldNames, parseAsked, type Fields } from './parse.ts';
import { rehearse, type Side } from './rehearse.ts';

export type WhatIfRoutesContext = Pick<AlertContext, 'model' | 'origin' | 'formatTime'> & {
  readonly database: Database;
};

const word = z
  .union([z.string().max(500), z.array(z.string().max(500)).max(5)])
  .optional()
  .catch(undefined);

export const query = z.object({
  ...Object.fromEntries(fieldNames.map((name) => [name, word])),
  rules: word,
}) as z.ZodType<Typed>;

/** What was typed, field by field. */
export type Typed = Readonly<Record<string, string | string[] | undefined>>;

/** Check boxes of one name are one list. */
export function fieldsOf(typed: Typed): Fields {
  return Object.fromEntries(fieldNames.map((name) => [name, [typed[name] ?? ''].flat().join(' ')]));
}

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

type Request = {
  readonly typed: Typed;
  readonly now: Date;
};

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

/** The same question as an address, for the file. */
export function addressOf(typed: Typed): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(typed))
    for (const one of [value ?? ''].flat()) if (one !== '') words.append(name, one);
  return words.toString();
}

type Rehearsed = {
  readonly subject: Subject;
  readonly sides: readonly Side[];
  readonly names: readonly string[];
  readonly changes: readonly string[];
};

async function rehearsed(
  tx: Tx,
  context: WhatIfRoutesContext,
  { typed, now }: Request,
): Promise<Outcome<Rehearsed>> {
  const { model } = context;
  const asked = parseAsked(fieldsOf(typed), { model, now });
  if (!asked.ok) return asked;
  const other = await otherRules(tx, [typed['rules'] ?? ''].flat()[0] ?? '');
  if (!other.ok) return other;
  const subject = await imagine(tx, context, asked.value);
  if (!subject.ok) return subject;
  const models = [model, ...(other.value === undefined ? [] : [other.value.model])] as const;
  const sides = await rehearse(tx, subject.value.imagined, models);
  if (!sides.ok) return sides;
  return ok({
    subject: subject.value,
    sides: sides.value,
    names: ['In force', ...(other.value === undefined ? [] : [other.value.name])],
    changes: models.length < 2 ? [] : diffModels(model, models[1]!).map(({ says }) => says),
  });
}

type OtherRules = { readonly name: string; readonly model: OperatingModel };

/** A proposal by its id, or an adopted version by its number; nothing: none. */
export async function otherRules(tx: Tx, rules: string): Promise<Outcome<OtherRules | undefined>> {
  if (rules === '') return ok(undefined);
  const adopted = (await listAdoptions(tx)).find(({ number }) => String(number) === rules);
  const proposal =
    adopted === undefined && isUuid(rules) ? await findProposal(tx, rules) : undefined;
  if (proposal !== undefined) {
    const proposed = parseOperatingModel(proposal.yaml, 'The proposed file');
    return proposed.ok ? ok({ name: 'Proposed', model: proposed.value }) : proposed;
  }
  if (adopted === undefined) return refused('not_found', 'There are no such rules.');
  const found = await findPinnedModel(tx, adopted.sha256);
  return found.ok ? ok({ name: `Version ${adopted.number}`, model: found.value }) : found;
}

const VERSIONS_MAX = 20;

export async function formView(
  tx: Tx,
  { model }: WhatIfRoutesContext,
  { typed, refusal }: { readonly typed: Typed; readonly refusal: Refused | undefined },
) {
  const usual = {
    severity: model.severities[0]!.id,
    behaviour: 'working_day',
    seed: '1',
  };
  const filled = Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== ''));
  const errors = refusal && (refusal.fields ?? {});
  const form = formModel(
    [...fieldNames, 'rules'],
    { ...usual, ...filled },
    errors === undefined || Object.keys(errors).length > 0 ? errors : { '': refusal!.message },
  );
  const waiting = await findWaitingProposal(tx);
  const adoptions = await listAdoptions(tx);
  return {
    form,
    severities: model.severities.map(({ id, label }) => ({ value: id, text: label })),
    audiences: (await listAudiences(tx)).filter(({ retiredAt }) => retiredAt === null),
    behaviours: Object.entries(presets).map(([value, { label }]) => ({ value, text: label })),
    waiting,
    versions: adoptions.filter(({ sha256 }) => sha256 !== model.version).slice(0, VERSIONS_MAX),
  };
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

/** What is asked of a rehearsal: the words of its form, read into an alert and the rules to try. */
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
import { formModel } from '#web/index.ts';
import { presets } from './behaviour.ts';
import { imagine, type Subject } from './imagine.ts';
import { fieldNames, parseAsked, type Fields } from './parse.ts';

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
function fieldsOf(typed: Typed): Fields {
  return Object.fromEntries(fieldNames.map((name) => [name, [typed[name] ?? ''].flat().join(' ')]));
}

/** The same question as an address, for the file. */
export function addressOf(typed: Typed): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(typed))
    for (const one of [value ?? ''].flat()) if (one !== '') words.append(name, one);
  return words.toString();
}

export type Request = { readonly typed: Typed; readonly now: Date };

export type Question = {
  readonly subject: Subject;
  /** The rules in force, and those beside them where some were chosen. */
  readonly models: readonly [OperatingModel, ...OperatingModel[]];
  /** A name for each of them. */
  readonly names: readonly string[];
  /** What the others change, in words. */
  readonly changes: readonly string[];
};

export async function readQuestion(
  tx: Tx,
  context: WhatIfRoutesContext,
  { typed, now }: Request,
): Promise<Outcome<Question>> {
  const { model } = context;
  const asked = parseAsked(fieldsOf(typed), { model, now });
  if (!asked.ok) return asked;
  const found = await otherRules(tx, [typed['rules'] ?? ''].flat()[0] ?? '');
  if (!found.ok) return found;
  const subject = await imagine(tx, context, asked.value);
  if (!subject.ok) return subject;
  const other = found.value;
  return ok({
    subject: subject.value,
    models: other === undefined ? [model] : [model, other.model],
    names: other === undefined ? ['In force'] : ['In force', other.name],
    changes: other === undefined ? [] : diffModels(model, other.model).map(({ says }) => says),
  });
}

type OtherRules = { readonly name: string; readonly model: OperatingModel };

/** A proposal by its id, or an adopted version by its number; nothing: none. */
async function otherRules(tx: Tx, rules: string): Promise<Outcome<OtherRules | undefined>> {
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

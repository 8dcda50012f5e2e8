/** `bin/tocsin what-if`: an alert, or a year of them, rehearsed on a simulated clock. */
import type { Database, Tx } from '#db/database.ts';
import { csvFile, dateOnly, dateTime } from '#web/index.ts';
import { listAlerts } from '#alerts/index.ts';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { parseOperatingModel, readModelFile, type OperatingModel } from '#operating-model/index.ts';
import { findAudienceByKey, spellingKey } from '#organisations/index.ts';
import {
  imagine,
  parseAsked,
  presets,
  rehearsalTable,
  rehearse,
  monthTable,
  readYear,
  rehearseYears,
  yearTable,
  usualYear,
  type Fields,
  type Side,
  type Subject,
} from '#what-if/index.ts';
import {
  answerCall,
  readArguments,
  resultOptions,
  tell,
  type Answer,
  type ExitCode,
} from './call.ts';
import { standard, type Output } from './output.ts';

export const help = `Usage: bin/tocsin what-if FILE [options]
       bin/tocsin what-if --severity ID | --alert NUMBER [options]
       bin/tocsin what-if --year [FILE] [options]

Rehearses an alert against the directory as it is now, on a simulated clock: how many texts and
mails, when, what they cost, how many organisations answer, and what breaks. Nothing is sent.

FILE           Other rules: both are rehearsed, side by side. Without it the rules in force alone.
--alert        Number of an alert that is written; without it an imagined one.
--severity     Of the imagined one; its usual is the most urgent.
--exercise     The imagined one is an exercise; a written one is what it is.
--audience     Name of a saved audience; without it that of the alert, or all who must answer.
--channels     text, mail or text,mail instead of what the rules say.
--what, --do-now
               Its words.
--at           When it is released, such as 2027-01-31T02:30; without it now.
--behaviour    How people answer: ${Object.keys(presets).join(', ')} or own.
--text-share, --text-median, --mail-share, --mail-median
               With own: how many in a hundred answer, and after how many minutes half of them have.
--cap          Pounds that the texts may cost instead of what the rules say: says where they
               cost more.
--seed         Another number, another draw of who answers; the same number, the same result.
--year         A year of ${usualYear.alertsAMonth} alerts a month of all severities instead: in all
               and by month what it costs, who is told and answers in 15 and 60 min, what breaks.
--csv          Print a table for a spreadsheet.
--json         Print the result for programs.
`;

export type WhatIfContext = {
  readonly database: Database;
  /** The rules in force. */
  readonly model: OperatingModel;
  readonly origin: string;
};

const operator = system('what-if-command');

export async function whatIfCommand(
  context: WhatIfContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async (call) => {
    const models = await modelsOf(context.model, call.file);
    if (!models.ok) return tell(models, call, output);
    const done = await context.database.attempt(operator, (tx) =>
      answer(tx, context, { call, models: models.value, output }),
    );
    const named = done.ok || done.message === '' ? done : { ...done, message: wordsOf(done) };
    return tell(named, call, output);
  });
}

/** A sentence for each option that is wrong. */
function wordsOf({ message, fields }: Exclude<Outcome<Answer>, { ok: true }>): string {
  const each = Object.entries(fields).map(([name, says]) => `${optionOf(name)}: ${says}`);
  return each.length === 0 ? message : each.join('\n');
}

/** `textShare` is typed `--text-share`. */
function optionOf(field: string): string {
  return `--${field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

type Models = readonly [OperatingModel, ...OperatingModel[]];

async function modelsOf(
  inForce: OperatingModel,
  file: string | undefined,
): Promise<Outcome<Models>> {
  if (file === undefined) return ok([inForce]);
  const text = await readModelFile(file);
  if (!text.ok) return text;
  const other = parseOperatingModel(text.value, file);
  return other.ok ? ok([inForce, other.value]) : other;
}

type Answering = { readonly call: Call; readonly models: Models; readonly output: Output };

async function answer(
  tx: Tx,
  { model, origin }: WhatIfContext,
  { call, models, output }: Answering,
): Promise<Outcome<Answer>> {
  const fields = await namesToIds(tx, call.fields);
  if (!fields.ok) return fields;
  const asked = parseAsked(fields.value, { model, now: new Date() });
  if (!asked.ok) return asked;
  const subject = await imagine(tx, { origin, formatTime: dateTime }, asked.value);
  if (!subject.ok) return subject;
  if (call.year) return ok(await yearAnswer(tx, subject.value, { call, models, output }));
  const sides = await rehearse(tx, subject.value.imagined, models);
  return sides.ok ? ok(sidesAnswer(subject.value, sides.value, call)) : sides;
}

/** People know the number of an alert and the name of an audience. */
async function namesToIds(tx: Tx, fields: Fields): Promise<Outcome<Fields>> {
  const ids: { alert?: string; audience?: string } = {};
  if (fields.alert !== undefined) {
    const number = /^\d{1,9}$/.test(fields.alert) ? Number(fields.alert) : -1;
    const [found] = await listAlerts(tx, { state: undefined, before: number + 1, most: 1 });
    if (found?.number !== number) return refused('not_found', `There is no alert ${fields.alert}.`);
    ids.alert = found.id;
  }
  if (fields.audience !== undefined) {
    const found = await findAudienceByKey(tx, spellingKey(fields.audience));
    if (found === undefined)
      return refused('not_found', `No audience is called ‘${fields.audience}’.`);
    ids.audience = found.id;
  }
  return ok({ ...fields, ...ids });
}

function sidesAnswer(
  { title, audienceName, imagined }: Subject,
  sides: readonly Side[],
  { csv }: Call,
): Answer {
  const names = sideNames(sides.map(({ model }) => model));
  const rows = rehearsalTable(sides, names);
  const at = new Date(imagined.releasedAtMs);
  const [first, second] = [32, 44];
  const lines = rows.map(([what = '', ...values]) =>
    [what.padEnd(first), ...values.map((value) => value.padEnd(second))].join('  ').trimEnd(),
  );
  const { text, mail } = imagined.behaviour;
  const said = ({ share, medianMinutes }: typeof text) =>
    `${Math.round(share * 100)} in a hundred answer, half of them within ${medianMinutes} min`;
  const head = [
    `${title}, released ${dateTime(at)} to: ${audienceName}`,
    `Assumed: of those texted ${said(text)}; of those mailed ${said(mail)}. Seed ${imagined.seed}.`,
    '',
  ];
  return {
    json: {
      title,
      audience: audienceName,
      releasedAt: at.toISOString(),
      assumed: imagined.behaviour,
      seed: imagined.seed,
      sides: sides.map(({ model, severity, summary, breaks }) => ({
        version: model.version,
        severity: severity.id,
        summary,
        breaks,
      })),
    },
    text: csv ? csvFile(rows) : `${[...head, ...lines].join('\n')}\n`,
  };
}

async function yearAnswer(
  tx: Tx,
  { imagined, audienceName }: Subject,
  { call, models, output }: Answering,
): Promise<Answer> {
  const years = await rehearseYears(await readYear(tx, imagined, models), ({ done, of }) => {
    if (done % usualYear.alertsAMonth === 0) output.err(`${done} of ${of} alerts\n`);
  });
  const names = sideNames(models);
  const rows = yearTable(years, models, names);
  const months = monthTable(years, names, dateOnly);
  const text = rows.map(([what = '', ...values]) =>
    [what.padEnd(40), ...values.map((value) => value.padStart(16))].join('').trimEnd(),
  );
  const from = dateTime(new Date(imagined.releasedAtMs));
  const perMonth = `${usualYear.alertsAMonth} alerts a month to: ${audienceName}`;
  const head = `A year of ${perMonth}, from ${from} on. Seed ${imagined.seed}.`;
  const broken = years.flatMap(({ breaks }, i) =>
    breaks.map(({ says, names: those }) => `${names[i]}: ${[says, ...those].join('; ')}`),
  );
  return {
    json: { audience: audienceName, seed: imagined.seed, years },
    text: call.csv
      ? csvFile([...months, [], ...rows])
      : [head, '', ...text, '', ...inColumns(months), '', ...broken, ''].join('\n'),
  };
}

/** Each column as wide as its widest cell; the last as it is. */
function inColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  '),
  );
}

function sideNames(models: readonly OperatingModel[]): string[] {
  return models.map(({ version }, i) => (i === 0 ? 'In force' : version.slice(0, 12)));
}

type Call = {
  readonly file: string | undefined;
  readonly fields: Fields;
  readonly year: boolean;
  readonly csv: boolean;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const word = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const read = readArguments(args, {
    allowPositionals: true,
    options: {
      ...resultOptions,
      year: flag,
      csv: flag,
      exercise: flag,
      alert: word,
      severity: word,
      audience: word,
      channels: word,
      what: word,
      'do-now': word,
      behaviour: word,
      'text-share': word,
      'text-median': word,
      'mail-share': word,
      'mail-median': word,
      at: word,
      seed: word,
      cap: word,
    },
  });
  // Alone it opens no database: help is printed.
  if (read === undefined || args.length === 0) return undefined;
  const [file, ...rest] = read.positionals;
  const { year, csv, json, help: isHelp, exercise, ...words } = read.values;
  const named = Object.entries(words).map(([name, value]) => [
    name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  const fields: Fields = {
    ...(Object.fromEntries(named) as Fields),
    ...(exercise && { exercise: 'yes' }),
  };
  const call = { file, fields, year, csv, json, help: isHelp };
  return rest.length === 0 || isHelp ? call : undefined;
}

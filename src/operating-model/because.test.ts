/** Every “because” names its rule, its version, and what the hours of the day have to do with it. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  becauseApproval,
  becauseCallBack,
  becauseCallList,
  becauseMessage,
  becauseNextUpdate,
  becauseNumberLimit,
  becauseProbe,
  becauseRound,
  becauseTime,
} from './because.ts';
import { becauseSingle, singleReason, singleRulesOf } from './because-single.ts';
import type { Because } from './reason.ts';
import { diffModels } from './diff.ts';
import { severityFor } from './exercises.ts';
import { explainSeverity } from './explain-model.ts';
import { checkOperatingModel } from './parse.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
const model = checkOperatingModel(shipped).model!;

const times = ['acknowledge_within', 'next_update_within', 'send_expires_after'] as const;

function ofSeverity(severity: string, exercise: boolean): (Because | undefined)[] {
  const found = severityFor(model, { severity, exercise })!;
  return [
    becauseRound(model, found, 1),
    becauseMessage(model, found, { round: 1, rank: 1 }),
    becauseMessage(model, found, { round: 1, rank: 3 }),
    ...times.map((key) => becauseTime(model, found, key)),
  ];
}

const hoursOf = (all: readonly (Because | undefined)[]) => all.map((one) => one?.hours);

test('what opens waits for quiet hours, what is due is counted through them', () => {
  const told = 'not in quiet hours, from 21:00 to 06:30';
  const due = 'quiet hours from 21:00 to 06:30 count in';
  assert.deepEqual(hoursOf(ofSeverity('medium', false)), [told, told, told, due, due, due]);
  assert.equal(
    becauseCallList(model, severityFor(model, { severity: 'medium', exercise: false })!)?.hours,
    due,
  );
  assert.deepEqual(new Set(hoursOf(ofSeverity('critical', false))), new Set(['no quiet hours']));
});

test('an exercise names the hours of exercises, whatever its severity', () => {
  const told = 'exercises go from 08:00 until 18:00 only';
  const due = 'hours without exercises count in';
  for (const id of ['critical', 'medium'])
    assert.deepEqual(hoursOf(ofSeverity(id, true)), [told, told, told, due, due, due], id);
  const severity = severityFor(model, { severity: 'critical', exercise: true })!;
  // That severity has no quiet hours of its own to lead to.
  assert.equal(becauseTime(model, severity, 'quiet_hours')?.rule, 'exercises');
});

test('what the centre owes is owed at any hour', () => {
  const owed = [
    becauseApproval(model, 'critical'),
    becauseNextUpdate(model),
    becauseCallBack(model),
    becauseNumberLimit(model),
    becauseProbe(model),
  ];
  assert.deepEqual(new Set(hoursOf(owed)), new Set(['at any hour of day and night']));
  for (const one of [...owed, ...ofSeverity('low', false)]) {
    assert.equal(one?.version, model.version);
    assert.ok(one.href.startsWith(`/operating-model/rules/${model.version}#rule-`));
  }
});

test('what texts may cost is a rule: explained, compared, drawn, and warned of where it is dead', () => {
  const high = severityFor(model, { severity: 'high', exercise: false })!;
  assert.equal(high.spendCapPence, 200_000);
  assert.match(becauseTime(model, high, 'spend_cap')!.says, /^High, before it is sent: .*£2,000/);
  assert.match(explainSeverity(model, high).join(' '), /more than £2,000\.00 are said so before/);
  const read = (from: string, to: string) => checkOperatingModel(shipped.replace(from, to));
  const cheaper = read('spend_cap: 2000', 'spend_cap: 120.50');
  assert.deepEqual(
    diffModels(model, cheaper.model!).map(({ says }) => says),
    ['High: texts may cost £120.50 instead of £2,000.00'],
  );
  const gone = read('    spend_cap: 2000\n', '');
  assert.match(diffModels(model, gone.model!)[0]!.says, /may cost whatever they do instead of/);
  const dead = read('    acknowledge_within: P5D', '    spend_cap: 5\n    acknowledge_within: P5D');
  assert.match(dead.findings[0]!.message, /never holds: Medium goes by mail alone/);
  const wrong: [to: string, message: RegExp][] = [
    ['spend_cap: 3000.01', /High is less urgent than Critical, and may cost more/],
    ['spend_cap: 0', /must be at least 0\.01/],
  ];
  for (const [to, message] of wrong) {
    const { model: none, findings } = read('spend_cap: 2000', to);
    assert.equal(none, undefined);
    assert.equal(findings[0]!.path, 'severities.high.spend_cap');
    assert.match(findings[0]!.message, message);
  }
});

test('whoever sends a single message names its rule, and no rule is without a sender', () => {
  const src = path.join(import.meta.dirname, '..');
  const senders = globSync('{alerts,identity,organisations,responses}/**/*.ts', { cwd: src })
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => readFileSync(path.join(src, file), 'utf8'))
    .filter((code) => code.includes('singleReason('))
    .join('\n');
  const rules = singleRulesOf(model);
  const telling = rules.filter((rule) => rule.endsWith('.tell_region'));
  assert.deepEqual(telling, ['severities.critical.tell_region', 'severities.high.tell_region']);
  for (const rule of rules)
    assert.ok(senders.includes(telling.includes(rule) ? 'regionRule(' : `'${rule}'`), rule);
  const { rule, fact } = singleReason(model, telling[0]!, 'two are silent');
  assert.equal(fact, 'two are silent');
  assert.match(becauseSingle({ ...model, rule }).says, /^Leads of a region are told/);
});

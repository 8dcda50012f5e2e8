import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ofCentre, ofOrganisation, ofRegion } from '#identity/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { rulesWith } from '../../test/support/rules.ts';
import { effectsOf, type Surroundings } from './effects.ts';

const before = rulesWith();
const around: Surroundings = {
  people: [
    { id: 'a', held: [{ role: 'duty_officer', ...ofCentre }] },
    { id: 'b', held: [{ role: 'approver', ...ofCentre }] },
    {
      id: 'c',
      held: [
        { role: 'administrator', ...ofCentre },
        { role: 'regional_lead', ...ofRegion('RA') },
      ],
    },
    { id: 'd', held: [{ role: 'organisation_administrator', ...ofOrganisation('o') }] },
  ],
  names: [
    { kind: 'organisation_type', id: 'trust', count: 3 },
    { kind: 'contact_role', id: 'ciso', count: 2 },
    { kind: 'reader_kind', id: 'manager', count: 1 },
  ],
  channels: ['text', 'mail'],
};

const saidOf = (after: OperatingModel, change: Partial<Surroundings> = {}) =>
  effectsOf({ before, after }, { ...around, ...change }).map(
    ({ level, says }) => `${level} ${says}`,
  );

test('a change that breaks nothing says nothing', () => {
  assert.deepEqual(saidOf(before), []);
  assert.deepEqual(saidOf(rulesWith(['call_back_within: PT15M', 'call_back_within: PT5M'])), []);
});

test('nobody left who may invite is an error, and how to go about it is said', () => {
  const after = rulesWith([
    '  administrator:\n    label: Administrator\n',
    '  keeper:\n    label: Keeper\n',
  ]);
  const [error, warning] = saidOf(after);
  assert.match(error!, /^error Nobody could invite people and give roles any more\. Keep the old/);
  assert.match(warning!, /^warning The role Administrator is gone: one person holds it and loses/);
});

test('a role that is for something else from then on is nobody’s who was given it', () => {
  const after = rulesWith(
    ['may: [directory.own]', 'may: [person.manage]'],
    ['  administrator:\n    label: Administrator\n', '  keeper:\n    label: Keeper\n'],
  );
  const says = saidOf(after);
  assert.match(says[0]!, /^error Nobody could invite people and give roles any more/);
  assert.match(
    says.join('\n'),
    /^warning The role Administrator of an organisation is for the whole centre from then on: one person holds it and loses what it allowed\.$/m,
  );
});

test('two different people must be able to change the rules again', () => {
  // The officer alone could propose and approve; that is one person.
  const after = rulesWith(
    [/directory\.read, model\.read, model\.approve\]/, 'directory.read, model.read]'],
    ['model.read, model.write, audit', 'model.read, audit'],
  );
  const says = saidOf(after, { people: around.people.slice(0, 1) });
  // One person could not do it before either, so nothing is taken away.
  assert.deepEqual(says, []);
  const three = saidOf(after);
  assert.match(three.join('\n'), /^error No two people could change these rules again/m);
});

test('names that the directory uses cannot go', () => {
  const after = rulesWith(
    ['  trust: {', '  hospital: {'],
    ['  ciso: {', '  head: {'],
    ['  manager: {', '  boss: {'],
  );
  assert.deepEqual(saidOf(after), [
    'error 3 organisations are of the type ‘NHS trust’ (trust), which is gone. Keep it until the directory has another.',
    'error 2 contacts have the role ‘CISO or head of cyber’ (ciso), which is gone. Keep it until the directory has another.',
    'error 1 contacts read as ‘Manager’ (manager), which is gone. Keep it until the directory has another.',
  ]);
});

test('a channel that nothing leaves by is said, with the severities that count on it', () => {
  assert.deepEqual(saidOf(before, { channels: ['mail'] }), [
    'warning By text nothing would leave: no gateway takes it. It is a channel of Critical, High.',
  ]);
});

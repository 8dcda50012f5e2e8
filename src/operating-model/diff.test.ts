import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { diffModels } from './diff.ts';
import type { OperatingModel } from './model.ts';
import { checkOperatingModel } from './parse.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

function modelOf(text: string): OperatingModel {
  const { model, findings } = checkOperatingModel(text);
  assert.ok(model, JSON.stringify(findings));
  return model;
}

/** What is said of the shipped file with these things changed. */
function saidOf(...changes: [from: string | RegExp, to: string][]): string[] {
  const text = changes.reduce((before, [from, to]) => {
    const after = before.replace(from, () => to);
    assert.notEqual(after, before, `nothing to change: ${from}`);
    return after;
  }, shipped);
  return diffModels(modelOf(shipped), modelOf(text)).map(({ part, says }) => `${part}: ${says}`);
}

const cases: [change: [from: string | RegExp, to: string][], said: string[]][] = [
  [
    [['{ ranks: [2], after: PT15M }', '{ ranks: [2], after: PT10M }']],
    ['severities: Critical: second round after 10 min instead of 15 min'],
  ],
  [
    [['      - { ranks: [3], after: PT30M }\n', '']],
    ['severities: Critical: no third round any more'],
  ],
  [
    [['{ ranks: [3], after: PT30M }', '{ ranks: [3, 4], after: PT30M }']],
    ['severities: Critical: third round to rank 3 and 4 instead of rank 3'],
  ],
  [
    [['from: "20:00"', 'from: "21:30"']],
    [
      'severities: Low: quiet hours from 21:30 to 07:00 instead of from 20:00 to 07:00: rounds wait for their end',
    ],
  ],
  [
    [['    quiet_hours: { from: "20:00", until: "07:00" }\n', '']],
    ['severities: Low: no quiet hours any more: nothing waits from 20:00 to 07:00'],
  ],
  [[['channels: [mail]', 'channels: [mail, text]']], ['severities: Medium: also by text']],
  [[['label: High\n', 'label: Serious\n']], ['severities: High is called Serious']],
  [
    [
      [
        /may: \[alert\.read, alert\.approve, dispatch\.steer, directory\.read/,
        'may: [alert.read, alert.approve, directory.read, directory.write',
      ],
    ],
    [
      'roles: Approver may also: Import organisations and contacts',
      'roles: Approver may no longer: Pause, resume and cancel a running dispatch',
    ],
  ],
  [
    [['{ impact: [hindered], severity: medium', '{ impact: [hindered], severity: low']],
    [
      'Many organisations, or one that many depend on',
      'Some organisations',
      'One organisation, or none yet',
    ].flatMap((spread, i) =>
      [
        'Seen by us, or by a source that we trust',
        'Probable, not confirmed',
        'Possible, from one source or a guess',
      ]
        .slice(i === 0 ? 2 : 0)
        .map(
          (confidence) =>
            `severity_matrix: Impact on care ‘Care goes on, slower or by hand’, Spread ‘${spread}’, Confidence ‘${confidence}’: Low instead of Medium`,
        ),
    ),
  ],
  [
    [['because: Patients may come to harm. }', 'because: Harm is likely. }']],
    ['severity_matrix: The rules propose what they did; their reasons or their order changed'],
  ],
  [
    [['  mail: GREEN', '  mail: CLEAR']],
    ['marking_ceilings: Marking ceilings, Mail: CLEAR instead of GREEN'],
  ],
  [
    [['call_back_within: PT15M', 'call_back_within: PT10M']],
    ['desk: Desk, Call back within: 10 min instead of 15 min'],
  ],
  [
    [
      [
        'practice: { label: GP practice, must_answer: false }',
        'practice: { label: GP practice, must_answer: true }',
      ],
    ],
    ['organisation_types: Organisation types, GP practice, Must answer: yes instead of no'],
  ],
  [
    [['clear_line_for: [critical]', 'clear_line_for: [critical, high]']],
    ['clear_line_for: Clear line for: also high'],
  ],
  [
    [
      [
        'wake: [approver, duty_officer], before: PT5M',
        'wake: [approver, duty_officer], before: PT3M',
      ],
    ],
    ['promises: Promises, Approval, Steps, No. 2, After: 3 min before instead of 5 min before'],
  ],
  [
    [['model: Health and care', 'model: Health']],
    ['model: Model: Health instead of Health and care'],
  ],
  [
    [['{sender}: this path works, {time}. Nothing to do.', '{sender}: this path works, {time}.']],
    [
      'texts: Texts, Probe: “{sender}: this path works, {time}.” instead of “{sender}: this path works, {time}. Nothing to do.”',
    ],
  ],
];

for (const [change, said] of cases)
  test(`said: ${said[0]}`, () => assert.deepEqual(saidOf(...change), said));

/** Of the severities that may be exercised. */
const EXERCISED: [string, string] = ['medium, low]\n  hours', 'medium]\n  hours'];

test('an order and a severity that goes are said', () => {
  const low = /  low:\n(?: {4}.*\n)+/.exec(shipped)![0];
  const said = saidOf([low, ''], EXERCISED, [
    '{ severity: low, because',
    '{ severity: medium, because',
  ]);
  assert.ok(said.includes('severities: Low is gone'), said.join('\n'));
  // The most urgent may have no quiet hours.
  const first = low.replace(/ {4}quiet_hours: .*\n/, '');
  const turned = saidOf([low, ''], ['severities:\n', `severities:\n${first}`]);
  assert.deepEqual(turned, [
    'severities: Low: no quiet hours any more: nothing waits from 20:00 to 07:00',
    'severities: The order, most urgent first, is now Low, Critical, High, Medium',
  ]);
});

test('a comment, a blank or another way to write a duration changes nothing', () => {
  assert.deepEqual(saidOf(['# The rules', '# Rules'], ['PT48H', 'P2D']), []);
});

test('every key of the file that changes is said: nothing changes in silence', () => {
  const other = readFileSync(
    new URL('../../examples/regional-cert/operating-model.yaml', import.meta.url),
    'utf8',
  );
  const parts = new Set(diffModels(modelOf(shipped), modelOf(other)).map(({ part }) => part));
  const keys = Array.from(shipped.matchAll(/^([a-z_]+):/gm), ([, key]) => key!);
  const same = keys.filter((key) => !parts.has(key));
  assert.deepEqual(same, []);
});

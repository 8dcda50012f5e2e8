import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { severityById } from './model.ts';
import { checkOperatingModel, parseOperatingModel } from './parse.ts';

const QUIET = 'quiet_hours: { from: "22:00", until: "06:00" }\n    ';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

/** The shipped file with one thing changed; fails where there is nothing to change. */
function changed(...changes: [from: string | RegExp, to: string][]): string {
  return changes.reduce((text, [from, to]) => {
    const next = text.replace(from, () => to);
    assert.notEqual(next, text, `nothing to change: ${from}`);
    return next;
  }, shipped);
}

function lineOf(text: string, part: string): number {
  return text.slice(0, text.indexOf(part)).split('\n').length;
}

test('the shipped file is right and has no warnings', () => {
  const { model, findings } = checkOperatingModel(shipped);
  assert.deepEqual(findings, []);
  assert.ok(model);
  assert.equal(model.version, createHash('sha256').update(shipped).digest('hex'));
  assert.equal(model.name, 'Health and care');
  assert.deepEqual(
    model.severities.map(({ id }) => id),
    ['critical', 'high', 'medium', 'low'],
  );
  assert.deepEqual(severityById(model, 'high')?.rounds[1], { ranks: [2], afterMs: 1_800_000 });
  assert.equal(severityById(model, 'high')?.acknowledgeWithinMs, 172_800_000);
  assert.equal(severityById(model, 'urgent'), undefined);
  assert.equal(model.markingCeilings.linkWithCode, 'AMBER');
  assert.equal(model.organisationTypes['practice']?.mustAnswer, false);
  assert.match(model.texts.firstMarked, /marked \{marking\}/);
});

test('a refusal names file, line, path and what is allowed, for every error at once', () => {
  const text = changed(['channels: [text, mail]', 'channels: [sms, mail]'], ['lane: 3', 'lane: 7']);
  const outcome = parseOperatingModel(text, 'model.yaml');
  assert.ok(!outcome.ok);
  assert.equal(outcome.kind, 'invalid');
  assert.match(
    outcome.message,
    /^model\.yaml has 2 errors:\n(model\.yaml:\d+: .+\n){1}model\.yaml:/,
  );
  assert.equal(
    outcome.fields['severities.critical.channels[0]'],
    `model.yaml:${lineOf(text, '[sms')}: severities.critical.channels[0]: ` +
      '‘sms’ is not known; allowed: text, mail',
  );
  assert.match(outcome.fields['severities.medium.lane']!, /allowed: 1 .*, 2 .*, 3/);
});

const wrong: { name: string; text: string; at: string; path: string; message: RegExp }[] = [
  {
    name: 'an unknown key, with the one that was meant',
    text: changed(['passive_replies_per_hour:', 'passive_reply_per_hour:']),
    at: 'passive_reply_per_hour',
    path: 'passive_reply_per_hour',
    message: /did you mean ‘passive_replies_per_hour’\?; allowed: model, sender/,
  },
  {
    name: 'a duplicate key',
    text: changed(['sender: NHS', 'sender: CYBER\nsender: NHS']),
    at: 'sender: NHS',
    path: '',
    message: /stands twice/,
  },
  {
    name: 'broken YAML',
    text: changed(['label: Approver', 'label: "Approver']),
    at: 'label: "Approver',
    path: '',
    message: /./,
  },
  {
    name: 'an unknown permission',
    text: changed(['alert.approve, dispatch.steer, response', 'alert.approvee, response']),
    at: 'may: [alert.read, alert.write, alert.approvee',
    path: 'roles.duty_officer.may[2]',
    message: /did you mean ‘alert\.approve’/,
  },
  {
    name: 'nobody may write',
    text: changed(['alert.write, ', '']),
    at: 'roles:',
    path: 'roles',
    message: /no role has alert\.write/,
  },
  {
    name: 'nobody may approve',
    text: changed([/alert\.approve, /, ''], [/alert\.approve, /, '']),
    at: 'roles:',
    path: 'roles',
    message: /no role has alert\.approve/,
  },
  {
    name: 'a link that is enough to approve',
    text: changed(['passkey_for: [alert.write, alert.approve, ', 'passkey_for: [alert.write, ']),
    at: 'passkey_for:',
    path: 'signing_in.passkey_for',
    message: /alert\.approve is missing/,
  },
  {
    name: 'a session that is idle for longer than it lasts',
    text: changed(['session_ends_idle: PT1H', 'session_ends_idle: PT13H']),
    at: 'session_ends_idle: PT13H',
    path: 'signing_in.session_ends_idle',
    message: /at most PT12H/,
  },
  {
    name: 'a mail that signs in without a code',
    text: changed(['{code} is your code to sign in', 'Here is your code to sign in']),
    at: 'body: |',
    path: 'signing_in.code_mail.body',
    message: /cannot do without \{code\}/,
  },
  {
    name: 'a notice of a changed account without what was changed',
    text: changed(['text: "{sender}: {what}, {when}.', 'text: "{sender}: changed, {when}.']),
    at: 'text: "{sender}: changed',
    path: 'signing_in.changed_notice.text',
    message: /cannot do without \{what\}/,
  },
  {
    name: 'a first passkey long after the session is over',
    text: changed(['first_passkey_within: PT30M', 'first_passkey_within: PT13H']),
    at: 'first_passkey_within: PT13H',
    path: 'signing_in.first_passkey_within',
    message: /at most PT12H/,
  },
  {
    name: 'a role for regions that writes alerts',
    text: changed([
      'may: [alert.read, response.record, dir',
      'may: [alert.write, response.record, dir',
    ]),
    at: 'may: [alert.write, response.record',
    path: 'roles.regional_lead.may',
    message: /alert\.write cannot be bound to a region/,
  },
  {
    name: 'a desk that nobody can work so fast',
    text: changed(['call_back_within: PT15M', 'call_back_within: PT10S']),
    at: 'call_back_within: PT10S',
    path: 'desk.call_back_within',
    message: /at least PT1M/,
  },
  {
    name: 'a first round that waits',
    text: changed(['after: PT0M', 'after: PT1M']),
    at: 'ranks: [1], after: PT1M',
    path: 'severities.critical.rounds[0].after',
    message: /write PT0M/,
  },
  {
    name: 'rounds that do not grow',
    text: changed(['after: PT30M', 'after: PT15M']),
    at: 'ranks: [3], after: PT15M',
    path: 'severities.critical.rounds[2].after',
    message: /later than the round before it \(PT15M\)/,
  },
  {
    name: 'a rank called twice',
    text: changed(['ranks: [3], after: PT30M', 'ranks: [1], after: PT30M']),
    at: 'ranks: [1], after: PT30M',
    path: 'severities.critical.rounds[2].ranks',
    message: /rank 1 was called/,
  },
  {
    name: 'a deadline shorter than the last round',
    text: changed(['acknowledge_within: PT1H', 'acknowledge_within: PT20M']),
    at: 'acknowledge_within: PT20M',
    path: 'severities.critical.acknowledge_within',
    message: /PT20M is over before the last round goes out \(PT30M\)/,
  },
  {
    name: 'messages that would be gone within a month',
    text: changed(['  messages: P400D', '  messages: P30D']),
    at: '  messages: P30D',
    path: 'retention.messages',
    message: /at least P31D/,
  },
  {
    name: 'a recall window that nobody would wait for',
    text: changed(['recall_window: PT0M', 'recall_window: PT11M']),
    at: 'recall_window: PT11M',
    path: 'severities.critical.recall_window',
    message: /at most PT10M/,
  },
  {
    name: 'quiet hours of the most urgent severity',
    text: changed(['acknowledge_within: PT1H', `${QUIET}acknowledge_within: PT1H`]),
    at: 'quiet_hours: { from: "22:00"',
    path: 'severities.critical.quiet_hours',
    message: /waits for nobody/,
  },
  {
    name: 'quiet hours that would hold the holding alert',
    text: changed(['acknowledge_within: PT48H', `${QUIET}acknowledge_within: PT48H`]),
    at: 'quiet_hours: { from: "22:00"',
    path: 'severities.high.quiet_hours',
    message: /cannot wait/,
  },
  {
    name: 'quiet hours that end when they begin',
    text: changed(['until: "07:00"', 'until: "20:00"']),
    at: 'quiet_hours: { from: "20:00"',
    path: 'severities.low.quiet_hours.until',
    message: /ends when it begins \(20:00\)/,
  },
  {
    name: 'quiet hours at no time of a day',
    text: changed(['until: "07:00"', 'until: "7 am"']),
    at: 'quiet_hours: { from: "20:00"',
    path: 'severities.low.quiet_hours.until',
    message: /must be a time of the day/,
  },
  {
    name: 'a reminder while the chain still goes on',
    text: changed(['{ ranks: [1, 2], after: PT24H }', '{ ranks: [1, 2], after: PT1H }']),
    at: '{ ranks: [1, 2], after: PT1H }',
    path: 'severities.high.reminders[0].after',
    message: /must be later than the last round \(PT1H\)/,
  },
  {
    name: 'a reminder no later than the one before it',
    text: changed(['{ ranks: [1, 2, 3], after: PT40H }', '{ ranks: [1, 2, 3], after: PT24H }']),
    at: '{ ranks: [1, 2, 3], after: PT24H }',
    path: 'severities.high.reminders[1].after',
    message: /must be later than the reminder before it \(P1D\)/,
  },
  {
    name: 'a deadline before its reminder',
    text: changed(['acknowledge_within: PT48H', 'acknowledge_within: PT30H']),
    at: '{ ranks: [1, 2, 3], after: PT40H }',
    path: 'severities.high.reminders[1].after',
    message: /the answer is due before its reminder \(acknowledge_within is P1DT6H\)/,
  },
  {
    name: 'a reminder to a rank that nobody told',
    text: changed(['{ ranks: [1, 2, 3], after: PT40H }', '{ ranks: [1, 4], after: PT40H }']),
    at: '{ ranks: [1, 4], after: PT40H }',
    path: 'severities.high.reminders[1].ranks',
    message: /no round calls rank 4; allowed: 1, 2, 3/,
  },
  {
    name: 'a reminder that its number may not have',
    text: changed(['  most: 15\n  within: PT1H', '  most: 1\n  within: PT36H']),
    at: '{ ranks: [1, 2], after: PT24H }',
    path: 'severities.high.reminders[0].after',
    message: /rank 1, 2 has had 1 in .* as much as texts_per_number allows/,
  },
  {
    name: 'a reminder that quiet hours may hold until the answer was due',
    text: changed(['{ ranks: [1], after: P10D }', '{ ranks: [1], after: PT333H }']),
    at: 'acknowledge_within: P14D',
    path: 'severities.low.acknowledge_within',
    message: /may be over before the last reminder, which quiet hours hold/,
  },
  {
    name: 'quiet hours that outlast the use of a message',
    text: changed(['send_expires_after: P3D', 'send_expires_after: PT11H']),
    at: 'send_expires_after: PT11H',
    path: 'severities.low.send_expires_after',
    message: /PT11H may be over before the last round, which quiet hours hold for up to PT12H/,
  },
  {
    name: 'an expiry shorter than the last round',
    text: changed(['send_expires_after: PT4H', 'send_expires_after: PT30M']),
    at: 'send_expires_after: PT30M',
    path: 'severities.critical.send_expires_after',
    message: /make it longer/,
  },
  {
    name: 'a duration in months',
    text: changed(['acknowledge_within: P5D', 'acknowledge_within: P1M']),
    at: 'acknowledge_within: P1M',
    path: 'severities.medium.acknowledge_within',
    message: /ISO 8601 duration such as PT15M/,
  },
  {
    name: 'a region by something that is no code',
    text: changed(['Y56: London', 'y56: London']),
    at: 'y56: London',
    path: 'region_names.y56',
    message: /is no name: capitals, digits and hyphens, as the codes of the directory/,
  },
  {
    name: 'a channel twice',
    text: changed(['channels: [text, mail]', 'channels: [text, text]']),
    at: 'channels: [text, text]',
    path: 'severities.critical.channels',
    message: /twice/,
  },
  {
    name: 'a code session that reads beyond AMBER',
    text: changed(['link_with_code: AMBER', 'link_with_code: AMBER+STRICT']),
    at: 'link_with_code: AMBER+STRICT',
    path: 'marking_ceilings.link_with_code',
    message: /at most AMBER/,
  },
  {
    name: 'a holding alert of which no text may say anything',
    text: changed([
      'holding:\n  severity: high\n  marking: CLEAR',
      'holding:\n  severity: high\n  marking: AMBER',
    ]),
    at: '  marking: AMBER',
    path: 'holding.marking',
    message: /texts carry CLEAR at most/,
  },
  {
    name: 'a ladder that wakes whoever may not approve',
    text: changed([
      'wake: [approver, duty_officer], before: PT5M',
      'wake: [regional_lead], before: PT5M',
    ]),
    at: 'wake: [regional_lead], before: PT5M',
    path: 'promises.approval.steps[1].wake',
    message: /‘regional_lead’ may not approve/,
  },
  {
    name: 'a step for a role of regions',
    text: changed([
      'wake: [owner, duty_officer], after: PT0M',
      'wake: [regional_lead], after: PT0M',
    ]),
    at: 'wake: [regional_lead], after: PT0M',
    path: 'promises.next_update.steps[1].wake',
    message: /‘regional_lead’ is given for regions/,
  },
  {
    name: 'a step before the submission of what it waits for',
    text: changed(['within: PT10M', 'within: PT8M']),
    at: '- { wake: [approver], before: PT10M }',
    path: 'promises.approval.steps[0]',
    message: /is before its submission: ‘within’ is PT8M/,
  },
  {
    name: 'a step that is no later than the one before',
    text: changed([
      'wake: [duty_officer, approver], after: PT15M',
      'wake: [approver], before: PT1M',
    ]),
    at: 'wake: [approver], before: PT1M',
    path: 'promises.next_update.steps[2]',
    message: /must be later than the step before/,
  },
  {
    name: 'a step both before and after',
    text: changed([
      'wake: [approver], before: PT10M',
      'wake: [approver], before: PT10M, after: PT0M',
    ]),
    at: 'wake: [approver], before: PT10M, after: PT0M',
    path: 'promises.approval.steps[0]',
    message: /before it is due, or how long after: one of the two/,
  },
  {
    name: 'a role called like whoever has a promise in hand',
    text: changed([
      'roles:\n  duty_officer:',
      'roles:\n  owner: { label: X, may: [alert.read] }\n  duty_officer:',
    ]),
    at: '  owner: {',
    path: 'roles.owner',
    message: /‘owner’ means whoever has a promise in hand/,
  },
  {
    name: 'an unknown blank',
    text: changed(['{organisation}: {what}', '{organization}: {what}']),
    at: '  first:',
    path: 'texts.first',
    message: /unknown blank \{organization\}, did you mean \{organisation\}\?/,
  },
  {
    name: 'a first text to a number that does not say what we hold it for',
    text: changed(['{organisation} {purpose} only.', '{organisation}.']),
    at: '  enrol:',
    path: 'texts.enrol',
    message: /cannot do without \{purpose\}/,
  },
  {
    name: 'a first mail to an address that does not say who holds it',
    text: changed(['{organisation}. {notice}', '{organisation}.']),
    at: '  body: |\n    You are on the alert list for {organisation}.\n',
    path: 'proof_mail.body',
    message: /cannot do without \{notice\}/,
  },
  {
    name: 'the body in the text for marked alerts',
    text: changed([
      'marked {marking}. {clear_line}See our site or ring',
      'marked {marking}: {what} {clear_line}',
    ]),
    at: '  first_marked:',
    path: 'texts.first_marked',
    message: /unknown blank \{what\}/,
  },
  {
    name: 'a blank of the recipient in a saved text for “do now”',
    text: changed(['Isolate {product} now. Email safe.', 'Isolate {organisation} now.']),
    at: '  - "Isolate {organisation}',
    path: 'do_now_texts[0]',
    message: /filled in for each recipient/,
  },
  {
    name: 'a line for everybody at a severity that is not there',
    text: changed(['clear_line_for: [critical]', 'clear_line_for: [worst]']),
    at: 'clear_line_for:',
    path: 'clear_line_for',
    message: /‘worst’ is not known/,
  },
  {
    name: 'a link in the first text',
    text: changed(['{do_now} Reply', '{do_now} https://cyber.example Reply']),
    at: '  first:',
    path: 'texts.first',
    message: /no link/,
  },
  {
    name: 'a text without its code',
    text: changed([
      /(first: .*) Reply \{code\}=got it, \{code\} HELP=call me/,
      'first: "{sender} {alert}',
    ]),
    at: '  first:',
    path: 'texts.first',
    message: /cannot do without \{code\}/,
  },
  {
    name: 'a number where text is wanted',
    text: changed([/help_line: [\d ]+/, 'help_line: 3000000000 ']),
    at: 'help_line: 3000000000',
    path: 'help_line',
    message: /in quotes/,
  },
];

for (const { name, text, at, path, message } of wrong) {
  test(`refused: ${name}`, () => {
    const { model, findings } = checkOperatingModel(text);
    assert.equal(model, undefined);
    const found = findings.find(
      (finding) => finding.path === path && message.test(finding.message),
    );
    assert.ok(found, JSON.stringify(findings, null, 1));
    assert.equal(found.level, 'error');
    assert.equal(found.line, lineOf(text, at));
  });
}

test('warned, not refused: two fragments, a rank never called, one role for both', () => {
  const long = changed(['{said} {time}.', `{said} {time}, ${'thanks '.repeat(14)}`]);
  const skipped = changed(['ranks: [3], after: PT30M', 'ranks: [4], after: PT30M']);
  const alone = changed(
    [/  approver:\n.*\n.*\n/, ''],
    [/wake: \[approver\], before: PT10M/, 'wake: [duty_officer], before: PT10M'],
    [/wake: \[approver, duty_officer\], before/, 'wake: [duty_officer], before'],
    [/wake: \[approver, duty_officer\], after/, 'wake: [duty_officer], after'],
    [/wake: \[duty_officer, approver\]/, 'wake: [duty_officer]'],
    [/wake: \[duty_officer, approver\]/, 'wake: [duty_officer]'],
    [/wake: \[approver\], before: PT12H/, 'wake: [duty_officer], before: PT12H'],
    [/wake: \[approver, duty_officer\], before/, 'wake: [duty_officer], before'],
    [/wake: \[approver, duty_officer\], after/, 'wake: [duty_officer], after'],
  );
  const wordy = changed([
    'to warn you of cyber attacks',
    'to warn you of attacks on any of our computers',
  ]);
  for (const [text, path, message] of [
    [wordy, 'texts.enrol', /takes 2 fragments/],
    [long, 'texts.after_reply', /takes 2 fragments/],
    [skipped, 'severities.critical.rounds', /rank 3 is never called/],
    [alone, 'roles', /it takes two people/],
  ] as const) {
    const { model, findings } = checkOperatingModel(text);
    assert.ok(model);
    assert.equal(findings.length, 1, JSON.stringify(findings));
    assert.equal(findings[0]!.level, 'warning');
    assert.equal(findings[0]!.path, path);
    assert.match(findings[0]!.message, message);
  }
});

test('an empty file, a list and an alias bomb are refused, not thrown', () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', 'b: &b [*a,*a,*a,*a,*a,*a,*a]', 'c: [*b,*b,*b,*b,*b]'];
  for (const text of ['', '- a', 'just text', '%', bomb.join('\n'), '*missing']) {
    const outcome = parseOperatingModel(text, 'x.yaml');
    assert.ok(!outcome.ok, text);
  }
});

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { smsText } from '#kernel/sms-text.ts';
import { loadOperatingModel } from '#operating-model/index.ts';
import type { OpenMessage } from './model.ts';
import { whichAlertText, type AnswerContext } from './reply-texts.ts';

const loaded = await loadOperatingModel(
  path.join(import.meta.dirname, '../../operating-model.yaml'),
);
assert.ok(loaded.ok);
const at = new Date('2026-11-23T03:12:00Z');
const context = {
  model: loaded.value,
  clockOf: () => '03:12',
  whenOf: () => '03:02',
} as unknown as AnswerContext;

const told = (alertNumber: number, more: Partial<OpenMessage> = {}): OpenMessage => ({
  alertId: `alert ${alertNumber}`,
  alertNumber,
  exercise: false,
  isLive: true,
  closedAt: null,
  dispatchId: 'dispatch',
  code: String(alertNumber + 1000),
  organisationIds: ['organisation'],
  sentAt: at,
  answeredAt: null,
  ...more,
});

function asked(...between: OpenMessage[]): string {
  const address = Buffer.from('sealed');
  const reply = {
    id: 'reply',
    gatewayId: 'notify',
    addressIndex: address,
    addressSealed: address,
    contentSealed: address,
    receivedAt: at,
  };
  const point = { id: 'point', addressSealed: address };
  return whichAlertText(context, { reply, message: between[0]!, point }, between).body;
}

test('names the alert of each code, with its time as long as that fits into one text', () => {
  assert.match(asked(told(4902), told(4901)), /5902 is 4902 of 03:02, 5901 is 4901 of 03:02\./);
  const four = asked(told(4904), told(4903), told(4902), told(4901));
  assert.match(four, /5904 is 4904, 5903 is 4903, 5902 is 4902, 5901 is 4901\./);
  assert.equal(smsText(four).fragments, 1, four);
});

test('an exercise is called one, and alone makes the text one', () => {
  const rehearsed = { exercise: true };
  const mixed = asked(told(4902, rehearsed), told(4901));
  assert.match(mixed, /^NHS CYBER: .*5902 is exercise 4902 of 03:02, 5901 is 4901/);
  const mark = loaded.ok && loaded.value.exercises.mark;
  const both = asked(told(4902, rehearsed), told(4901, rehearsed));
  assert.ok(mark && both.startsWith(mark), both);
});

test('one that no provider took yet has no time', () => {
  assert.match(asked(told(4902, { sentAt: null }), told(4901)), /5902 is 4902, 5901 is 4901 of/);
});

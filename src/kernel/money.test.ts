import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMoney, priceOfTexts } from './money.ts';

const price = { fragmentPence: 2.4, vatPercent: 20 };

test('a text of one fragment at 2.4p costs 2.88p with VAT', () => {
  assert.equal(priceOfTexts(1, price), 2.88);
  assert.equal(formatMoney(priceOfTexts(1, price)), '2.88p');
});

test('three thousand fragments cost £86.40', () => {
  assert.equal(formatMoney(priceOfTexts(3000, price)), '£86.40');
});

test('large sums are grouped', () => {
  assert.equal(formatMoney(123_456_789), '£1,234,567.89');
});

/** How close what is shown, or leaves, may be marked. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkOperatingModel } from './parse.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

test('what proves no person carries AMBER at most, and a model of before asks for a passkey', () => {
  for (const outlet of ['text', 'mail', 'link_with_code', 'without_passkey']) {
    const closer = shipped.replace(
      new RegExp(`^  ${outlet}: (?:CLEAR|GREEN|AMBER)$`, 'm'),
      `  ${outlet}: AMBER+STRICT`,
    );
    assert.notEqual(closer, shipped);
    const { model, findings } = checkOperatingModel(closer);
    assert.equal(model, undefined, outlet);
    assert.match(findings[0]!.message, /at most AMBER/, outlet);
  }
  const before = shipped.replace('  without_passkey: AMBER\n', '');
  assert.notEqual(before, shipped);
  assert.equal(checkOperatingModel(before).model?.markingCeilings.withoutPasskey, 'AMBER');
});

test('the reasons that people gave are read with a passkey, whatever the model says', () => {
  const open = shipped.replace(
    'model.approve, audit.read, audit.keep, gateway',
    'model.approve, gateway',
  );
  assert.notEqual(open, shipped);
  assert.match(checkOperatingModel(open).findings[0]!.message, /audit\.read is missing/);
});

/** The rules of health and care as shipped, with a line of the file changed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseOperatingModel, type OperatingModel } from '#operating-model/index.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

/** Fails where there is nothing to change, or what comes of it is no model. */
export function rulesWith(...changes: [from: string | RegExp, to: string][]): OperatingModel {
  const text = changes.reduce((before, [from, to]) => {
    const after = before.replace(from, () => to);
    assert.notEqual(after, before, `nothing to change: ${from}`);
    return after;
  }, shipped);
  const parsed = parseOperatingModel(text, 'changed.yaml');
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

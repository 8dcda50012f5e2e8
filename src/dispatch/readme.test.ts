import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { moves, states, type MessageState } from './model.ts';

const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
const all = Object.keys(states) as MessageState[];

it('the README has the table of states as it is in the code', () => {
  const rows = all.map((state) => {
    const targets: readonly MessageState[] = moves[state];
    return `| ${state} | ${states[state]} | ${targets.length === 0 ? 'final' : targets.join(', ')} |`;
  });
  const [, table = ''] = readme.split('| State | Means | Leaves to |\n| --- | --- | --- |\n');
  assert.deepEqual(table.split('\n\n')[0]!.split('\n'), rows);
});

it('the README has the diagram as it is in the code', () => {
  const edges = all.flatMap((from) => {
    const targets: readonly string[] = moves[from];
    return (targets.length === 0 ? ['[*]'] : targets).map((to) => `  ${from} --> ${to}`);
  });
  const [, diagram = ''] = readme.split('```mermaid\n');
  const drawn = diagram.split('```')[0]!.trimEnd().split('\n');
  assert.deepEqual(drawn.sort(), ['stateDiagram-v2', '  [*] --> held', ...edges].sort());
});

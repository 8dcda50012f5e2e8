/** Both complete models are held to the same: nothing of the product is for health alone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { combinationsOf, proposeSeverity } from './matrix.ts';
import type { OperatingModel } from './model.ts';
import { checkOperatingModel } from './parse.ts';

const files = ['operating-model.yaml', 'examples/regional-cert/operating-model.yaml'];

function read(file: string): OperatingModel {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const { model, findings } = checkOperatingModel(text);
  assert.deepEqual(findings, [], file);
  assert.ok(model);
  return model;
}

for (const file of files)
  test(`${file} is right, has no warnings, and proposes a severity for all answers`, () => {
    const model = read(file);
    for (const answers of combinationsOf(model.severityMatrix))
      assert.ok(proposeSeverity(model, answers), JSON.stringify(answers));
  });

test('they share no name of a severity, role, type, contact role or reader kind', () => {
  const [health, cert] = files.map(read) as [OperatingModel, OperatingModel];
  const namesOf = (model: OperatingModel) => [
    ...model.severities.map(({ id }) => id),
    ...Object.keys(model.roles),
    ...Object.keys(model.organisationTypes),
    ...Object.keys(model.contactRoles),
    ...Object.keys(model.readerKinds),
  ];
  const both = namesOf(health).filter((name) => namesOf(cert).includes(name));
  assert.deepEqual(both, []);
  assert.notEqual(health.version, cert.version);
});

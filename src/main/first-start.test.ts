/** The people of a demonstration have what they are there for under any rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOperatingModel } from '#operating-model/index.ts';
import { must } from '../../test/support/centre.ts';
import { rolesFor } from './first-start.ts';

for (const [file, ...roles] of [
  ['operating-model.yaml', 'duty_officer', 'approver', 'administrator'],
  ['examples/regional-cert/operating-model.yaml', 'watch_officer', 'head_of_watch', 'keeper'],
] as const)
  test(`one writes, another approves, one lets people in: ${file}`, async () => {
    const model = must(await loadOperatingModel(file));
    const does = ['alert.write', 'alert.approve', 'person.manage'] as const;
    assert.deepEqual(rolesFor(model, does), roles);
  });

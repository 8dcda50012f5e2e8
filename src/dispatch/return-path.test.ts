import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assert as holds, integer, property, uuid } from 'fast-check';
import { newId } from '#kernel/ids.ts';
import { formatReference } from './model.ts';
import { readReturnPath, returnPath } from './return-path.ts';

const key = Buffer.alloc(32, 7);
const installation = crypto.randomUUID();

describe('a return path', () => {
  it('leads back to its attempt, in any case of letters, within a local part', () => {
    holds(
      property(
        uuid(),
        integer({ min: 1, max: 999_999_999 }),
        integer({ min: 1, max: 9_999 }),
        (messageId, epoch, attempt) => {
          const reference = { installation, messageId, epoch, attempt };
          const local = returnPath(key, formatReference(reference))!;
          assert.ok(local.length <= 64, local);
          assert.deepEqual(readReturnPath(key, installation, local), reference);
          assert.deepEqual(readReturnPath(key, installation, local.toUpperCase()), reference);
        },
      ),
    );
  });

  it('of anybody else, of another attempt, or changed in any place leads nowhere', () => {
    const reference = { installation, messageId: newId(), epoch: 1, attempt: 1 };
    const local = returnPath(key, formatReference(reference))!;
    assert.equal(readReturnPath(Buffer.alloc(32, 8), installation, local), undefined);
    assert.equal(readReturnPath(key, crypto.randomUUID(), local), undefined);
    for (let i = 0; i < local.length; i++) {
      const other = local[i] === '0' ? '1' : '0';
      const changed = local.slice(0, i) + other + local.slice(i + 1);
      assert.equal(readReturnPath(key, installation, changed), undefined, changed);
    }
    for (const text of ['', 'postmaster', 'b-', `${local}0`, local.slice(1), `${local}\0`])
      assert.equal(readReturnPath(key, installation, text), undefined);
    assert.equal(returnPath(key, 'somebody-else-1'), undefined);
  });
});

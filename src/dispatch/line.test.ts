import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Held } from './held.ts';
import { Line } from './line.ts';
import type { Log } from '#log.ts';
import { TemplateCheck } from './templates.ts';

const of = (dispatchId: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `${dispatchId}${i}`, dispatchId }) as Held);

describe('the line of a sender', () => {
  function openLine(slow: string) {
    const read = Promise.withResolvers<void>();
    let joined = 0;
    const before = ({ dispatchId }: { dispatchId: string }) =>
      dispatchId === slow ? read.promise : undefined;
    return { line: new Line([{ before }], () => (joined += 1)), read, joined: () => joined };
  }

  it('what only begins stands beside it, and joins it when the template was read', async () => {
    const { line, read, joined } = openLine('slow');
    line.add(of('slow', 2));
    line.add([]);
    line.add(of('live', 1));
    assert.deepEqual([line.length, line.beginning], [1, ['slow']]);
    assert.deepEqual(line.dispatchIds, ['slow', 'live']);
    assert.equal(line.next()?.id, 'live0');
    assert.equal(line.next(), undefined);
    read.resolve();
    await read.promise;
    await new Promise(setImmediate);
    assert.deepEqual([joined(), line.length, line.beginning], [1, 2, []]);
    assert.equal(line.next()?.id, 'slow0');
  });

  it('gives all back at once, also what only begins, and nothing of it comes later', async () => {
    const { line, read, joined } = openLine('slow');
    line.add(of('live', 1));
    line.add(of('slow', 2));
    assert.deepEqual(
      line.takeAll().map(({ id }) => id),
      ['live0', 'slow0', 'slow1'],
    );
    assert.deepEqual(line.beginning, ['slow'], 'it is still being read');
    read.resolve();
    await read.promise;
    await new Promise(setImmediate);
    assert.deepEqual([joined(), line.length], [1, 0]);
  });

  it('the check knows a dispatch for ten minutes after its last claim, and no longer', async () => {
    let readings = 0;
    const readTemplate = () => {
      readings += 1;
      return Promise.resolve({ answer: 'cannot_tell' as const });
    };
    const guard = { database: {}, gateway: { readTemplate }, log: {} as Log };
    const check = new TemplateCheck(
      guard as unknown as ConstructorParameters<typeof TemplateCheck>[0],
    );
    const claim = async (dispatchId: string, minute: number) => {
      await check.before({ dispatchId, lane: 1 }, minute * 60_000);
      return readings;
    };
    assert.deepEqual(
      [await claim('a', 0), await claim('a', 9), await claim('b', 18), await claim('a', 18.5)],
      [1, 1, 2, 2],
    );
    assert.deepEqual([await claim('b', 29), await claim('a', 29)], [3, 4]);
  });
});

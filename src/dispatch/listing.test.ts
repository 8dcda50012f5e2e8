import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { newId } from '#kernel/ids.ts';
import { marginMs, nextCursor, provesAbsence, readBack, type Listed } from './listing.ts';
import { formatReference } from './model.ts';

const installation = newId();
const at = (ms: number) => new Date(ms);

function text(createdAtMs: number, reference: string | null = null): Listed {
  return { providerId: newId(), reference, status: 'sending', createdAt: at(createdAtMs) };
}

/** A provider that lists like Notify: newest first, strictly older than a text it still has. */
function providerOf(texts: readonly Listed[], pageSize = 3) {
  const order = texts.toSorted((a, b) => +b.createdAt - +a.createdAt);
  let requests = 0;
  return {
    requests: () => requests,
    list: async (olderThan?: string) => {
      requests += 1;
      if (olderThan === undefined) return await Promise.resolve(order.slice(0, pageSize));
      const from = order.find(({ providerId }) => providerId === olderThan);
      if (from === undefined) return [];
      return order.filter(({ createdAt }) => createdAt < from.createdAt).slice(0, pageSize);
    },
  };
}

const idsOf = (sightings: ReadonlyMap<string, readonly Listed[]>) =>
  [...sightings.values()].flat().map(({ providerId }) => providerId);

const ours = (messageId: string, attempt = 1) =>
  formatReference({ installation, messageId, epoch: 1, attempt });

describe('reading back the list of a provider', () => {
  it('finds all that is younger than the time asked for, twins across pages too', async () => {
    await fc.assert(
      fc.asyncProperty(
        // Few instants and more texts, so that pages end between twins; never a page of twins.
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 0, max: 40 }),
        async (times, fromMs) => {
          const texts = times.map((time) => text(time, ours(newId())));
          const { list } = providerOf(texts, 8);
          const reading = await readBack({ list, installation, fromMs });
          const seen = new Set(idsOf(reading.sightings));
          for (const { providerId, createdAt } of texts)
            if (+createdAt > reading.coversFromMs) assert.ok(seen.has(providerId));
          const most = Math.max(...times.map((time) => times.filter((t) => t === time).length));
          if (most < 8) assert.ok(reading.coversFromMs < fromMs || reading.coversFromMs < 1);
        },
      ),
    );
  });

  it('reads no further than it must', async () => {
    const provider = providerOf(Array.from({ length: 30 }, (_, i) => text(1_000 + i)));
    const reading = await readBack({ list: provider.list, installation, fromMs: 1_027 });
    assert.deepEqual([provider.requests(), reading.coversFromMs], [2, 1_025]);
  });

  it('at the end of the list everything is covered', async () => {
    for (const texts of [
      [],
      [text(5)],
      [text(5), text(5)],
      [text(5), text(6)],
      Array.from({ length: 7 }, (_, i) => text(i)),
    ]) {
      const { list } = providerOf(texts);
      const reading = await readBack({ list, installation, fromMs: -1_000 });
      assert.equal(reading.coversFromMs, -Infinity);
    }
  });

  it('a page of one instant ends it: what else has that instant cannot be asked for', async () => {
    const twins = Array.from({ length: 300 }, () => text(7));
    for (const texts of [twins, [text(9), ...twins, text(1)]]) {
      const { list } = providerOf(texts, 250);
      const reading = await readBack({ list, installation, fromMs: 0 });
      assert.equal(reading.coversFromMs, 7);
    }
  });

  it('a page of one instant that is shorter than one before it is not full', async () => {
    // The first requests of a start under load: a whole window of them in one millisecond.
    const first = Array.from({ length: 64 }, () => text(7));
    const texts = [...first, ...Array.from({ length: 200 }, (_, i) => text(100 + i))];
    const { list } = providerOf(texts, 250);
    const reading = await readBack({ list, installation, fromMs: 0 });
    assert.equal(reading.coversFromMs, -Infinity);
  });

  it('a text that is deleted under our hands is not the end of the list', async () => {
    const texts = Array.from({ length: 9 }, (_, i) => text(100 + i));
    const { list } = providerOf(texts);
    const alone = text(7);
    const gone = async (olderThan?: string) =>
      await Promise.resolve(olderThan === undefined && isThere ? [alone] : []);
    let isThere = true;
    const deleting = async (olderThan?: string) => {
      const page = await gone(olderThan);
      isThere = false;
      return page;
    };
    assert.equal((await readBack({ list: deleting, installation, fromMs: 0 })).coversFromMs, 7);
    const vanished = async (olderThan?: string) =>
      await (olderThan === undefined ? list() : Promise.resolve([]));
    const reading = await readBack({ list: vanished, installation, fromMs: 0 });
    assert.equal(reading.coversFromMs, 106);
  });

  it('what breaks off covers what was read, and nothing where the first page fails', async () => {
    const { list } = providerOf(Array.from({ length: 9 }, (_, i) => text(100 + i)));
    const breaking = async (olderThan?: string) =>
      olderThan === undefined ? await list() : undefined;
    const covers = async (page: typeof breaking) =>
      (await readBack({ list: page, installation, fromMs: 0 })).coversFromMs;
    assert.equal(await covers(breaking), 106);
    assert.equal(await covers(async () => await Promise.resolve(undefined)), Infinity);
  });

  it('knows ours by their reference, the oldest of a message first', async () => {
    const [message, other] = [newId(), newId()];
    const foreign = ours(other).replace(installation.slice(0, 8), '00000000');
    const texts = [text(30, ours(message, 2)), text(10, ours(message)), text(20, foreign), text(5)];
    const { list } = providerOf(texts);
    const { sightings } = await readBack({ list, installation, fromMs: 0 });
    assert.deepEqual([...sightings.keys()], [message]);
    assert.deepEqual(
      sightings.get(message)!.map(({ attempt }) => attempt),
      [1, 2],
    );
  });
});

describe('the proof of absence', () => {
  it('needs pages from now past the start of the request, and by the margin', () => {
    const began = at(10_000_000);
    const proves = (coversFromMs: number) =>
      provesAbsence({ sightings: new Map(), coversFromMs }, began);
    assert.ok(proves(-Infinity));
    assert.ok(proves(10_000_000 - marginMs - 1));
    assert.ok(!proves(10_000_000 - marginMs));
    assert.ok(!proves(10_000_000));
    assert.ok(!proves(Infinity));
  });

  it('a cursor is younger than the end of its page, and there is none in one instant', () => {
    const [a, b, c] = [text(3), text(2), text(2)];
    assert.equal(nextCursor([a, b, c]), a.providerId);
    assert.equal(nextCursor([b, c]), undefined);
    assert.equal(nextCursor([]), undefined);
  });
});

/** Readings that many share: never one that began before it was asked for, and never two at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Topic } from './topic.ts';

/** A topic whose readings end when the test says; each gives how many had begun by then. */
function openTopic() {
  const running: PromiseWithResolvers<number>[] = [];
  let begun = 0;
  const topic = new Topic<number>({
    name: 'x',
    read: () => {
      const reading = Promise.withResolvers<number>();
      running.push(reading);
      begun += 1;
      return reading.promise;
    },
    keys: () => ['one'],
  });
  return {
    topic,
    begun: () => begun,
    end: async (error?: Error) => {
      const reading = running.shift()!;
      if (error === undefined) reading.resolve(begun);
      else reading.reject(error);
      await settle();
    },
  };
}

/** Lets everything that waits on settled promises run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

describe('a topic', () => {
  it('reads once for all who ask while it reads, and after they asked', async () => {
    const { topic, begun, end } = openTopic();
    const first = topic.read();
    const second = topic.read();
    const third = topic.read();
    assert.equal(begun(), 1);
    await end();
    assert.equal(begun(), 2, 'what the others ask for begins when the first has ended');
    await end();
    assert.deepEqual(await Promise.all([first, second, third]), [1, 2, 2]);
  });

  it('reads again for the others where a reading fails', async () => {
    const { topic, end } = openTopic();
    const first = topic.read();
    const failed = assert.rejects(first, /lost/);
    const second = topic.read();
    await end(new Error('lost'));
    await failed;
    await end();
    assert.equal(await second, 2);
  });

  it('gives followers one reading for each burst of news, and rests after it', async (t) => {
    let nowMs = 1_000;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    t.mock.method(performance, 'now', () => nowMs);
    const pass = async (ms: number) => {
      nowMs += ms;
      t.mock.timers.tick(ms);
      await settle();
    };
    const { topic, begun, end } = openTopic();
    const stop = new AbortController();
    const seen: number[][] = [[], []];
    const follow = async (mine: number[]) => {
      for await (const state of topic.follow(stop.signal)) mine.push(state);
    };
    const following = Promise.all(seen.map(follow));
    await settle();
    assert.equal(begun(), 1);
    assert.equal(topic.isAbout('other'), true, 'nothing is known of it yet');
    await pass(20);
    await end();
    assert.deepEqual(seen, [[1], [1]]);
    assert.deepEqual([topic.isAbout('one'), topic.isAbout('other')], [true, false]);

    for (let i = 0; i < 5; i += 1) topic.news();
    await pass(249);
    assert.equal(begun(), 1, 'the burst is being gathered');
    await pass(1);
    assert.equal(begun(), 2);
    topic.news();
    await pass(1_000);
    assert.equal(begun(), 2, 'one reading at a time');
    await end();
    assert.deepEqual(seen.at(-1), [1, 2]);

    await pass(5_900);
    assert.equal(begun(), 2, 'it took a second, so it rests for six');
    await pass(350);
    assert.equal(begun(), 3);
    await end();

    await pass(29_900);
    assert.equal(begun(), 3);
    await pass(100);
    assert.equal(begun(), 4, 'the clock alone is a reason');
    await end();
    assert.deepEqual(seen, [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    stop.abort();
    await following;
    topic.close();
  });

  it('gives whoever comes what a page has just read', async () => {
    const { topic, begun, end } = openTopic();
    const page = topic.read();
    await end();
    await page;
    const stop = new AbortController();
    const states = topic.follow(stop.signal);
    assert.equal((await states.next()).value, 1);
    assert.equal(begun(), 1);
    stop.abort();
    assert.equal((await states.next()).done, true);
    topic.close();
  });

  it('goes on from the last state where the notices say how, and reads for all others', async (t) => {
    let nowMs = 1_000;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    t.mock.method(performance, 'now', () => nowMs);
    const pass = async (ms: number) => {
      nowMs += ms;
      t.mock.timers.tick(ms);
      await settle();
      await new Promise((resolve) => setImmediate(resolve));
    };
    let readings = 0;
    const news = (...organisationIds: string[]) =>
      ({ about: 'one', news: { kind: 'answers', organisationIds } }) as const;
    const topic = new Topic<string[]>({
      name: 'x',
      read: async (isFollowed) => {
        readings += 1;
        nowMs += 1_000;
        return [`read ${readings}${isFollowed ? ' for followers' : ''}`];
      },
      keys: () => ['one'],
      advance: async (state, notices) => {
        const ids = notices.flatMap((one) =>
          one.news?.kind === 'answers' ? one.news.organisationIds : [],
        );
        return ids.includes('unknown') ? undefined : [...state, ...ids];
      },
    });
    const stop = new AbortController();
    let seen: string[] = [];
    const following = (async () => {
      for await (const state of topic.follow(stop.signal)) seen = state;
    })();
    await settle();
    topic.news(news('a'));
    topic.news(news('b'));
    await pass(250);
    assert.deepEqual(seen, ['read 1 for followers', 'a', 'b'], 'though a reading rests for 6 s');
    topic.news(news('c'));
    topic.news({ about: 'one' });
    await pass(499);
    assert.equal(seen.length, 3, 'a thousand streams are written to twice a second');
    await pass(1);
    assert.deepEqual(
      seen.slice(1),
      ['a', 'b', 'c'],
      'what can go on does not wait for the reading',
    );
    await pass(6_000);
    assert.deepEqual(seen, ['read 2 for followers'], 'which has all of them in it');
    topic.news(news('unknown'));
    await pass(250);
    assert.deepEqual(seen, ['read 3 for followers']);
    stop.abort();
    await following;
    topic.close();
  });
});

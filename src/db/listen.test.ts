import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { after, test } from 'node:test';
import { nobody } from '#kernel/actor.ts';
import { cloneDatabase } from '../../test/support/database.ts';
import { listen } from './listen.ts';
import { sql } from './sql.ts';

const database = await cloneDatabase();
after(() => database.drop());

const killListener = sql`select count(pg_terminate_backend(pid)) from pg_stat_activity
  where application_name = 'listener' and datname = current_database()`;
const notify = (payload: string) =>
  database.owner.withActor(nobody, (tx) => tx.run(sql`select pg_notify('news', ${payload})`));

test('news arrive, and arrive again after the connection was killed', async () => {
  const heard = new EventEmitter();
  const errors: Error[] = [];
  const listener = listen({
    config: { ...database.config, application_name: 'listener' },
    channels: ['news'],
    onNotify: (channel, payload) => heard.emit('news', `${channel} ${payload}`),
    onGap: () => heard.emit('gap'),
    onError: (error) => errors.push(error),
  });
  await listener.ready;
  const first = once(heard, 'news');
  await notify('one');
  assert.deepEqual(await first, ['news one']);

  const gap = once(heard, 'gap');
  await database.owner.withActor(nobody, (tx) => tx.run(killListener));
  await gap;
  assert.equal(errors.length, 1);
  const second = once(heard, 'news');
  await notify('two');
  assert.deepEqual(await second, ['news two']);
  await listener.stop();
});

test('stopping ends the attempts to reach a server that is not there', async () => {
  const failed = new EventEmitter();
  const listener = listen({
    config: { host: '/nowhere', database: 'tocsin', user: 'tocsin_web' },
    channels: ['news'],
    onNotify() {},
    onGap: () => assert.fail('there is no server'),
    onError: () => failed.emit('error-seen'),
  });
  await once(failed, 'error-seen');
  await listener.stop();
  await listener.ready;
});

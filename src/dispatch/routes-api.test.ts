import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  checkDoors,
  fieldsOf,
  openApi,
  type ApiSite,
  type Json,
} from '../../test/support/api-client.ts';
import { releaseAlert, draftAlert, submitDraft, deliverAll } from '../../test/support/centre.ts';

let api: ApiSite;
before(async () => {
  api = await openApi();
});
after(() => api.close());

const reason = { reason: 'the text names the wrong product' };

test('every route has its doors', async () => {
  const { dispatchId } = await releaseAlert(api.centre);
  const path = `/api/v1/dispatches/${dispatchId}`;
  await checkDoors(api, { method: 'GET', path }, 'alert.read');
  for (const act of ['pause', 'resume', 'cancel'])
    await checkDoors(
      api,
      { method: 'POST', path: `${path}/${act}`, body: reason },
      'dispatch.steer',
    );
});

test('a dispatch tells its state, its counts and its rounds', async () => {
  const { dispatchId, number } = await releaseAlert(api.centre);
  await deliverAll(api.centre, dispatchId);
  const { value } = await api.get(`/api/v1/dispatches/${dispatchId}`);
  assert.equal(value['label'], `Alert ${number}`);
  assert.deepEqual(value['messages'], [
    { channel: 'mail', state: 'delivered', messages: 4 },
    { channel: 'text', state: 'delivered', messages: 3 },
    { channel: 'text', state: 'held', messages: 1 },
  ]);
  const rounds = value['rounds'] as Json[];
  assert.deepEqual(
    rounds.map(({ round, opensAfterMs, openedAt }) => [round, opensAfterMs, openedAt !== null]),
    [
      [1, 0, true],
      [2, 900_000, false],
      [3, 1_800_000, false],
    ],
  );
});

test('it is paused, goes on and is stopped for good, each once', async () => {
  const { dispatchId } = await releaseAlert(api.centre);
  const act = (name: string, headers = {}) =>
    api.post(`/api/v1/dispatches/${dispatchId}/${name}`, reason, { headers });
  assert.equal((await act('resume')).status, 409);
  const headers = { 'idempotency-key': 'pause-tonight' };
  const paused = await act('pause', headers);
  const { ledger, ...now } = paused.value as { ledger: Json };
  assert.deepEqual(now, { id: dispatchId, state: 'paused', pauseReason: reason.reason });
  const counts = { total: 8, gone: 0, unknown: 0, waiting: 8, neverSent: 0 };
  assert.deepEqual(ledger['messages'], counts);
  assert.deepEqual((await act('pause', headers)).value, paused.value);
  assert.equal((await act('pause')).status, 409);
  assert.equal((await act('resume')).value['state'], 'sending');
  const cancelled = await act('cancel');
  assert.equal(cancelled.value['state'], 'cancelled');
  const ended = cancelled.value['ledger'] as Json;
  const none = { total: 4, gone: 0, unknown: 0, waiting: 0, neverSent: 4 };
  assert.deepEqual(ended['organisations'], none);
  assert.equal((await act('resume')).status, 409);
  const { value } = await api.get(`/api/v1/dispatches/${dispatchId}`);
  const left = (value['messages'] as Json[]).filter(({ state }) => state !== 'cancelled');
  assert.deepEqual(left, []);
});

test('a reason is words: no number and no address, because the audit keeps it', async () => {
  const { dispatchId } = await releaseAlert(api.centre);
  for (const wrong of ['ring 0300 000 0000', 'ask amara@centre.test', ' ', 'a\nb', 'a\u0000b']) {
    const path = `/api/v1/dispatches/${dispatchId}/pause`;
    const refused = await api.post(path, { reason: wrong });
    assert.deepEqual([refused.status, fieldsOf(refused)], [422, ['reason']], wrong);
  }
});

test('what waits for approval cannot be steered, nor can the engine’s own answers', async () => {
  const alertId = await draftAlert(api.centre);
  await submitDraft(api.centre, alertId);
  const { value } = await api.get(`/api/v1/alerts/${alertId}`);
  const held = String((value['submission'] as Json)['dispatchId']);
  assert.equal((await api.get(`/api/v1/dispatches/${held}`)).value['state'], 'held');
  const standing = '00000000-0000-4000-8000-000000000000';
  for (const act of ['pause', 'resume', 'cancel']) {
    assert.equal((await api.post(`/api/v1/dispatches/${held}/${act}`, reason)).status, 409);
    assert.equal((await api.post(`/api/v1/dispatches/${standing}/${act}`, reason)).status, 404);
  }
  assert.equal((await api.get(`/api/v1/dispatches/${standing}`)).status, 404);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_API_KEYS } from '../../../test/support/dispatch.ts';
import { capabilitiesOf, channelsOf, gatewayKinds, type GatewayKind } from './capabilities.ts';
import { bucketOf, notifyPace, openGateway, parseGatewaySettings } from './settings.ts';

const apiKey = DEFAULT_API_KEYS.live;
const smtp = { url: 'smtp://relay.test:2525', from: 'Tocsin <alerts@centre.test>' };

function parsed(kind: 'notify' | 'smtp', input: unknown) {
  const outcome = parseGatewaySettings(kind, input);
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.value;
}

describe('settings of a gateway', () => {
  it('what is left out has its default', () => {
    assert.deepEqual(parsed('notify', { apiKey }).is, {
      apiKey,
      baseUrl: 'https://api.notifications.service.gov.uk',
      keyType: 'live',
      perMinute: 3_000,
      outboundOnly: false,
    });
  });

  it('what is wrong is named, and never repeated', () => {
    const wrong: [GatewayKind, object, RegExp][] = [
      ['notify', {}, /^apiKey: /],
      ['notify', { apiKey: 'sesame' }, /^apiKey: must be \{name\}-\{service id\}-\{secret\}$/],
      ['notify', { apiKey, baseUrl: 'ftp://sesame' }, /^baseUrl: /],
      ['notify', { apiKey, perMinute: 0 }, /^perMinute: /],
      ['notify', { apiKey, aipKey: 'sesame' }, /there is no setting aipKey/],
      ['smtp', { ...smtp, url: 'http://sesame' }, /^url: /],
      ['smpp', { url: 'smpp://x', from: 'sesame sesame' }, /^from: must be a sender$/],
      ['smpp', { url: 'http://sesame', from: '123' }, /^url: /],
      ['smtp', { ...smtp, from: 'sesame' }, /^from: must be Name <address>$/],
    ];
    for (const [kind, input, why] of wrong) {
      const outcome = parseGatewaySettings(kind, input);
      assert.ok(!outcome.ok);
      assert.match(outcome.message, why);
      assert.doesNotMatch(outcome.message, /sesame/);
    }
  });

  it('two gateways of one Notify service and key type share a bucket', () => {
    const bucket = (change: object) => bucketOf('x', parsed('notify', { apiKey, ...change })).id;
    const otherKey = apiKey.replace('simulator_live', 'second-key').replace(/aa$/, 'ab');
    assert.equal(bucket({}), bucket({ apiKey: otherKey }));
    assert.notEqual(bucket({}), bucket({ keyType: 'test' }));
    const otherService = apiKey.replace(
      '70c51700-0000-4000-8000-000000000001',
      crypto.randomUUID(),
    );
    assert.notEqual(bucket({}), bucket({ apiKey: otherService }));
    assert.match(bucket({}), /^notify:70c51700-0000-4000-8000-000000000001:live$/);
    const own = (id: string) => bucketOf(id, parsed('smtp', smtp)).id;
    assert.notEqual(own('smtp'), own('relay'));
  });

  it('the pace stays below what the service is allowed', () => {
    const cells: [number, number, number][] = [
      [3_000, 49.5, 980],
      [24_000, 396, 980],
      [600, 9.9, 196],
      [60, 0.99, 20],
    ];
    for (const [perMinute, ratePerSecond, burst] of cells) {
      const pace = notifyPace(perMinute);
      assert.ok(Math.abs(pace.ratePerSecond - ratePerSecond) < 1e-9);
      assert.equal(pace.burst, burst);
    }
  });
});

describe('the adapter of a row', () => {
  const smpp = { url: 'smpp://me:secret@127.0.0.1:1', from: '447700900998' };
  const settings: Record<string, object> = { notify: { apiKey }, smtp, smpp };

  it('declares what its kind and channel can do', async () => {
    for (const kind of gatewayKinds)
      for (const channel of channelsOf(kind)) {
        const gateway = openGateway({ id: 'x', kind, channel }, settings[kind]);
        assert.deepEqual(gateway.can, capabilitiesOf(kind, channel));
        assert.equal(gateway.can.canBeAsked, gateway.find !== undefined);
        assert.equal(gateway.channel, channel);
        await gateway.close();
      }
    assert.equal(capabilitiesOf('notify', 'mail').takesReplies, false);
  });

  it('is not opened for a channel its kind does not carry, or with settings of another', () => {
    assert.throws(() => openGateway({ id: 'x', kind: 'smtp', channel: 'text' }, smtp), TypeError);
    assert.throws(() => openGateway({ id: 'x', kind: 'notify', channel: 'text' }, smtp), TypeError);
  });
});

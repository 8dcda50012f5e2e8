/** What the environment says of its gateways at each start, and what it leaves to the operator. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig, type Environment } from '#config.ts';
import { sql } from '#db/sql.ts';
import { listGatewayCards, saveGateway } from '#dispatch/index.ts';
import { system } from '#kernel/actor.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { DEFAULT_API_KEYS } from '../../test/support/dispatch.ts';
import { gatewaysOfDemonstration, seedGateways } from './gateways.ts';
import type { Ground } from './ground.ts';

const actor = system('test');
const seals = {
  sealSettings: (_: string, settings: object) => Buffer.from(JSON.stringify(settings)),
  openSettings: (_: string, sealed: Buffer) => JSON.parse(sealed.toString()) as object,
} as unknown as Ground['seals'];

let db: Clone;
before(async () => {
  db = await cloneDatabase();
});
after(async () => {
  await db.drop();
});

async function start(environment: Environment): Promise<void> {
  const config = parseConfig(environment);
  assert.ok(config.ok, config.ok ? '' : config.message);
  await seedGateways({ config: config.value, seals }, db.worker, undefined);
}

async function settingsOf(id: string): Promise<Record<string, unknown>> {
  const { settings } = await db.owner.withActor(actor, (tx) =>
    tx.one<{ settings: Buffer }>(sql`
      select settings_sealed as settings from dispatch.gateway where id = ${id}`),
  );
  return JSON.parse(settings.toString()) as Record<string, unknown>;
}

const ofNotify = {
  NOTIFY_API_KEY: DEFAULT_API_KEYS.live,
  NOTIFY_CHANNELS: 'text,mail',
  NOTIFY_CALLBACK_TOKEN: 'the first token',
};
const probes = { TOCSIN_PROBE_NUMBER: '+447700900123', TOCSIN_PROBE_MAILBOX: 'duty@centre.test' };

test('each gateway of the environment proves itself to what of ours its channel reaches', async () => {
  const mail = { SMTP_URL: 'smtp://relay.test', MAIL_FROM: 'Centre <a@centre.test>' };
  const smpp = { SMPP_URL: 'smpp://me:word@smsc.test', SMPP_FROM: 'CENTRE' };
  await start({ ...ofNotify, ...mail, ...smpp, ...probes });
  for (const [id, address] of [
    ['notify', '447700900123'],
    ['smpp', '447700900123'],
    ['notify-mail', 'duty@centre.test'],
    ['smtp', 'duty@centre.test'],
  ] as const)
    assert.equal((await settingsOf(id))['probeAddress'], address, id);
});

test('what an operator set stays at the next start, also where the environment has news', async () => {
  const ofTexts = { ...ofNotify, NOTIFY_CHANNELS: 'text' };
  await start(ofTexts);
  const settings = {
    apiKey: DEFAULT_API_KEYS.live,
    perMinute: 6_000,
    probeAddress: '447700900999',
  };
  const saved = await db.worker.attempt(actor, (tx) =>
    saveGateway(
      tx,
      { id: 'notify', kind: 'notify', channel: 'text', settings },
      seals.sealSettings,
    ),
  );
  assert.ok(saved.ok);
  const base = 'https://notify.test';
  await start({ ...ofTexts, NOTIFY_BASE_URL: base, NOTIFY_CALLBACK_TOKEN: 'the second token' });
  const kept = await settingsOf('notify');
  assert.deepEqual(
    [kept['perMinute'], kept['probeAddress'], kept['baseUrl']],
    [6_000, '447700900999', base],
  );
  const cards = await db.worker.withActor(actor, listGatewayCards);
  const card = cards.find(({ id }) => id === 'notify');
  assert.deepEqual([card?.ratePerSecond, card?.tokens], [99, 2]);
  await start({ ...ofTexts, ...probes, NOTIFY_BASE_URL: base });
  assert.equal((await settingsOf('notify'))['probeAddress'], '447700900123', 'named, so it wins');
});

test('what is as it was is not written again', async () => {
  const writings = () =>
    db.owner.withActor(actor, (tx) =>
      tx.one(sql`select count(*) from audit.entry where action = 'gateway.saved'`),
    );
  await start({ ...ofNotify, ...probes });
  const before = await writings();
  await start({ ...ofNotify, ...probes });
  assert.deepEqual(await writings(), before);
});

test('a demonstration that listens for bounces sends its mails with a return path to there', () => {
  const simulator = { notifyUrl: 'http://n.test', smtpUrl: 'smtp://s.test', callbackToken: 'x' };
  const bounceDomainOf = (environment: Environment) => {
    const config = parseConfig(environment);
    assert.ok(config.ok);
    const [, smtp] = gatewaysOfDemonstration(simulator, config.value);
    return (smtp!.settings as { bounceDomain?: string }).bounceDomain;
  };
  const listening = { MAIL_IN: '127.0.0.1:2525', MAIL_BOUNCE_DOMAIN: 'bounces.test' };
  assert.equal(bounceDomainOf(listening), 'bounces.test');
  assert.equal(bounceDomainOf({}), undefined);
});

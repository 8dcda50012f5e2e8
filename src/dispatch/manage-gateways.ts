/** The verbs of an operator about gateways. One transaction each, the caller's; each is recorded. */
import { createHash } from 'node:crypto';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { capabilitiesOf, channelsOf, type GatewayKind } from './gateways/capabilities.ts';
import { bucketOf, parseGatewaySettings, pollingOf } from './gateways/settings.ts';
import {
  addCallbackToken,
  keepCallbackTokens,
  markGatewayRemoved,
  notifyGateways,
  upsertGateway,
} from './store-gateway.ts';

export type NewGateway = {
  readonly id: string;
  readonly kind: GatewayKind;
  readonly channel: 'text' | 'mail';
  /** As they were written; parsed here. */
  readonly settings: unknown;
  readonly callbackToken?: string | undefined;
};

export type SealSettings = (gatewayId: string, settings: object) => Buffer;

/** In the path of its callbacks, so no capital and no dot. */
const ID = /^[a-z][a-z0-9-]{0,30}$/;
const TOKEN_MIN = 10;

/** Writes the gateway with its settings sealed; one that is there gets the new settings. */
export async function saveGateway(
  tx: Tx,
  gateway: NewGateway,
  sealSettings: SealSettings,
): Promise<Outcome<void>> {
  const { id, kind, channel, callbackToken } = gateway;
  if (!ID.test(id))
    return refused('invalid', 'An id is lower-case letters, digits and hyphens, 31 at most.');
  if (!channelsOf(kind).includes(channel))
    return refused('invalid', `A gateway of kind ${kind} carries ${channelsOf(kind).join(', ')}.`);
  if (callbackToken !== undefined && callbackToken.length < TOKEN_MIN) return tokenTooShort;
  const settings = parseGatewaySettings(kind, gateway.settings);
  if (!settings.ok) return settings;
  await upsertGateway(tx, {
    ...capabilitiesOf(kind, channel),
    id,
    kind,
    channel,
    bucket: bucketOf(id, settings.value),
    settingsSealed: sealSettings(id, settings.value.is),
    callbackTokenHash: callbackToken === undefined ? null : hashToken(callbackToken),
    polls: pollingOf(settings.value),
  });
  await changed(tx, 'gateway.saved', id, { kind, channel });
  return ok(undefined);
}

/** Takes it away. What is under way through it, or unknown at it, has to end first. */
export async function removeGateway(tx: Tx, id: string): Promise<Outcome<void>> {
  if (!(await markGatewayRemoved(tx, id)))
    return refused(
      'conflict',
      `${id} cannot be removed: it is not there, or a message is under way through it or unknown at it. Wait until these are certain.`,
    );
  await changed(tx, 'gateway.removed', id);
  return ok(undefined);
}

/** A second token beside the one in use, so that the provider can be told in peace. */
export async function addToken(tx: Tx, id: string, token: string): Promise<Outcome<void>> {
  if (token.length < TOKEN_MIN) return tokenTooShort;
  if (!(await addCallbackToken(tx, id, hashToken(token))))
    return refused(
      'conflict',
      `${id} takes no further token: it is not there, or two are valid already; drop the old one first.`,
    );
  await changed(tx, 'gateway.token_added', id);
  return ok(undefined);
}

/** Drops all but the newest token, or all: then nobody can call back, and the engine asks instead. */
export async function dropTokens(tx: Tx, id: string, which: 'old' | 'all'): Promise<Outcome<void>> {
  if (!(await keepCallbackTokens(tx, id, which === 'old' ? 1 : 0)))
    return refused('conflict', `${id} has no such token.`);
  await changed(tx, 'gateway.token_dropped', id, { which });
  return ok(undefined);
}

async function changed(tx: Tx, action: string, id: string, detail = {}): Promise<void> {
  await record(tx, { action, subject: { kind: 'gateway', id }, detail });
  await notifyGateways(tx);
}

function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

const tokenTooShort = refused('invalid', `A token has at least ${TOKEN_MIN} characters.`);

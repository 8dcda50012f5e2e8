/**
 * The settings of a gateway as an operator writes them, and what follows from them: how fast it may
 * go, whom it shares its limit with, and the adapter itself.
 */
import { z } from 'zod';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { channelsOf, type GatewayKind } from './capabilities.ts';
import type { Gateway } from './gateway.ts';
import type { Network } from './http.ts';
import { openNotifyGateway } from './notify.ts';
import { parseNotifyKey } from './notify-contract.ts';
import { openSmppGateway } from './smpp.ts';
import { openSmtpGateway } from './smtp.ts';

const NOTIFY = 'https://api.notifications.service.gov.uk';

const pace = {
  /** Messages a second, and how many at once after a rest. */
  perSecond: z.number().positive().max(10_000),
  burst: z.number().min(1).max(100_000),
};

/** A handset or mailbox of ours, to which the gateway shows every few minutes that it works. */
const ours = {
  text: z.string().regex(/^\d{5,15}$/, 'must be a number in international form, digits alone'),
  mail: z.string().regex(/^[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+$/, 'must be an e-mail address'),
};

const shapes = {
  notify: z.strictObject({
    apiKey: z
      .string()
      .refine((key) => parseNotifyKey(key) !== undefined, 'must be {name}-{service id}-{secret}'),
    baseUrl: z.url({ protocol: /^https?$/ }).default(NOTIFY),
    /** Limits and look-ups are separate for each type of key, and a key does not say its own. */
    keyType: z.enum(['live', 'team', 'test']).default('live'),
    /** What Notify allows this service in a minute. */
    perMinute: z.int().min(60).max(600_000).default(3_000),
    serviceName: z.string().min(1).optional(),
    /** No callback can reach us, whatever tokens there are. */
    outboundOnly: z.boolean().default(false),
    probeAddress: z.union([ours.text, ours.mail]).optional(),
  }),
  smtp: z.strictObject({
    url: z.url({ protocol: /^smtps?$/ }),
    from: z.string().regex(/^[^@\r\n]+@[^@\s]+\.[^@\s]+$/, 'must be Name <address>'),
    bounceDomain: z.hostname().optional(),
    perSecond: pace.perSecond.default(50),
    burst: pace.burst.default(500),
    probeAddress: ours.mail.optional(),
  }),
  smpp: z.strictObject({
    url: z.url({ protocol: /^(?:smpps?|ssmpp)$/ }),
    from: z.string().regex(/^(?:\+?\d{3,15}|[A-Za-z0-9 &._-]{1,11})$/, 'must be a sender'),
    systemType: z.string().max(12).default(''),
    bind: z.enum(['transceiver', 'pair']).default('transceiver'),
    perSecond: pace.perSecond.default(10),
    burst: pace.burst.default(10),
    window: z.int().min(1).max(100).default(10),
    submitIds: z.enum(['text', 'hex', 'dec']).default('text'),
    receiptIds: z.enum(['text', 'hex', 'dec']).default('text'),
    probeAddress: ours.text.optional(),
  }),
};

type Settings = { readonly [Kind in keyof typeof shapes]: z.output<(typeof shapes)[Kind]> };

/** Settings of one kind, parsed. */
export type GatewaySettings = {
  readonly [Kind in keyof Settings]: { readonly kind: Kind; readonly is: Settings[Kind] };
}[keyof Settings];

/** Parsed settings; refused with the fields that are wrong, never repeating a value. */
export function parseGatewaySettings(kind: GatewayKind, input: unknown): Outcome<GatewaySettings> {
  const parsed = shapes[kind].safeParse(input);
  if (parsed.success) return ok({ kind, is: parsed.data } as GatewaySettings);
  const fields = Object.fromEntries(
    parsed.error.issues.map((issue) => [issue.path.join('.') || 'settings', sentenceOf(issue)]),
  );
  const said = Object.entries(fields).map(([field, why]) => `${field}: ${why}`);
  return refused('invalid', said.join('\n'), fields);
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `there is no setting ${issue.keys.join(', ')}`;
  return issue.message;
}

export type BucketSeed = {
  readonly id: string;
  readonly ratePerSecond: number;
  readonly burst: number;
};

/**
 * The bucket that such a gateway draws on. At Notify it belongs to the service and the type of key,
 * for texts and mail together; elsewhere to the gateway alone.
 */
export function bucketOf(gatewayId: string, { kind, is }: GatewaySettings): BucketSeed {
  if (kind !== 'notify') return { id: gatewayId, ratePerSecond: is.perSecond, burst: is.burst };
  const service = parseNotifyKey(is.apiKey)!.serviceId.toLowerCase();
  return { id: `notify:${service}:${is.keyType}`, ...notifyPace(is.perMinute) };
}

/**
 * Just below Notify's limiter (a token bucket of a sixtieth a second and a third at once, 1,000 at
 * most): a refused request costs a token too, and clocks jitter. For 3,000 a minute that is 49.5/s
 * and 980; replayed against its arithmetic: no refusals.
 */
export function notifyPace(perMinute: number): { ratePerSecond: number; burst: number } {
  const capacity = Math.min(Math.ceil(perMinute / 3) + 1, 1_000);
  return { ratePerSecond: (perMinute / 60) * 0.99, burst: Math.floor(capacity * 0.98) };
}

/** Whether the engine asks for what callbacks would bring: only Notify can be asked for all of it. */
export function pollingOf({ kind, is }: GatewaySettings): 'never' | 'without_token' | 'always' {
  if (kind !== 'notify') return 'never';
  return is.outboundOnly ? 'always' : 'without_token';
}

export type GatewayPlace = {
  readonly id: string;
  readonly kind: GatewayKind;
  readonly channel: 'text' | 'mail';
};

/** What is the same for all gateways of an installation. */
export type Surroundings = {
  readonly network?: Network;
  readonly returnPathKey?: Buffer;
};

/** The adapter for a row and its opened settings. @throws TypeError where they do not fit. */
export function openGateway(
  { id, kind, channel }: GatewayPlace,
  input: unknown,
  { network, returnPathKey }: Surroundings = {},
): Gateway {
  const parsed = parseGatewaySettings(kind, input);
  if (!parsed.ok) throw new TypeError(`gateway ${id}: ${parsed.message}`);
  if (!channelsOf(kind).includes(channel))
    throw new TypeError(`gateway ${id}: ${kind} does not carry ${channel}`);
  const settings = parsed.value;
  if (settings.kind === 'notify') return openNotifyGateway(id, settings.is, { channel, network });
  if (settings.kind === 'smpp') return openSmppGateway(id, settings.is);
  return openSmtpGateway(id, settings.is, { returnPathKey });
}

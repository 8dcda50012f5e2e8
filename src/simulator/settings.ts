export type Channel = 'sms' | 'email';
export type KeyType = 'live' | 'team' | 'test';

export type ApiKeyOption = {
  /** `{name}-{service id}-{secret}`, both ids as UUIDs. */
  readonly key: string;
  readonly type: KeyType;
  readonly revoked?: boolean;
};

export type TemplateOption = {
  readonly id: string;
  readonly type: Channel;
  readonly name: string;
  readonly body: string;
  /** E-mail only. */
  readonly subject?: string;
};

export type CallbackUrls = { readonly receipts?: string; readonly texts?: string };

export type SimulatorOptions = {
  /** Where the ledger lives; needed unless `ledger` is off. Made when absent. */
  readonly dataDir?: string;
  /** 0 = any free port, for this and the two below. */
  readonly notifyPort?: number;
  /** A second door to `/_control` and the pages, which stays open while Notify is "down". */
  readonly controlPort?: number;
  readonly smtpPort?: number;
  readonly host?: string;
  /** A plain string is a live key. All keys must name the same service. */
  readonly apiKeys?: readonly (string | ApiKeyOption)[];
  readonly templates?: readonly TemplateOption[];
  readonly serviceName?: string;
  /** Whether the service puts `Name: ` before every text; counts in fragments only. */
  readonly prefixOn?: boolean;
  readonly callbackUrls?: CallbackUrls;
  readonly callbackToken?: string;
  /** Wait before each of the five retries of a callback. */
  readonly callbackRetryMs?: number;
  readonly callbackTimeoutMs?: number;
  readonly limiter?: { readonly perMinute: number } | 'off';
  readonly dailyLimits?: { sms?: number; email?: number; international_sms?: number };
  /** From acceptance to final status, drawn evenly from this range. */
  readonly receiptDelayMs?: readonly [number, number];
  readonly ledger?: 'synced' | 'off';
  readonly internationalSms?: boolean;
  readonly ukLandlines?: boolean;
  /** A service not yet live: 50 a day, team recipients only. */
  readonly trialMode?: boolean;
  /** Numbers and addresses a team key may send to. */
  readonly teamRecipients?: readonly string[];
  /** What texts come from; letters, or the number that receives replies. */
  readonly smsSender?: string;
  /** The number handsets reply to. */
  readonly inboundNumber?: string;
  readonly smsSenders?: Readonly<Record<string, string>>;
  readonly emailReplyTos?: Readonly<Record<string, string>>;
  /** Where bounce messages go, for the fault `mail_bounced`. */
  readonly bounceSmtp?: { readonly host: string; readonly port: number };
  /** Seed of every random choice: delays and fault probabilities. */
  readonly seed?: number;
  /** Epoch milliseconds; a parameter so that tests own the time of tokens and limits. */
  readonly now?: () => number;
};

export type Settings = Readonly<
  Required<Omit<SimulatorOptions, 'dataDir' | 'limiter' | 'bounceSmtp' | 'apiKeys'>> & {
    dataDir: string | null;
    limitPerMinute: number | null;
    bounceSmtp: { host: string; port: number } | null;
    apiKeys: readonly ApiKeyOption[];
    serviceId: string;
    dailyLimits: { sms: number; email: number; international_sms: number };
  }
>;

const SERVICE_ID = '70c51700-0000-4000-8000-000000000001';

/** The keys a simulator has when none are given; fixed, so that a demonstration needs no set-up. */
export const DEFAULT_API_KEYS: Readonly<Record<KeyType, string>> = {
  live: `simulator_live-${SERVICE_ID}-70c51700-0000-4000-8000-0000000000aa`,
  team: `simulator_team-${SERVICE_ID}-70c51700-0000-4000-8000-0000000000bb`,
  test: `simulator_test-${SERVICE_ID}-70c51700-0000-4000-8000-0000000000cc`,
};

/** Pass-through templates: the caller writes the whole text. */
export const DEFAULT_TEMPLATES = [
  {
    id: '70c51700-0000-4000-8000-00000000051a',
    type: 'sms',
    name: 'Pass-through text',
    body: '((body))',
  },
  {
    id: '70c51700-0000-4000-8000-00000000e4a1',
    type: 'email',
    name: 'Pass-through e-mail',
    body: '((body))',
    subject: '((subject))',
  },
] as const satisfies readonly TemplateOption[];

/** Fills in what was not given. @throws Error when a key is malformed or of another service. */
export function resolveSettings(options: SimulatorOptions): Settings {
  const apiKeys = (options.apiKeys ?? defaultKeys()).map(resolveKey);
  const services = new Set(apiKeys.map(({ key }) => key.slice(-73, -37)));
  if (services.size !== 1) throw new Error('All API keys must belong to the same service.');
  const ledger = options.ledger ?? 'synced';
  const dataDir = options.dataDir ?? null;
  if (ledger === 'synced' && dataDir === null) {
    throw new Error('Give `dataDir`, the folder of the ledger, or set `ledger` to "off".');
  }
  const { limiter, dailyLimits, bounceSmtp, ...given } = options;
  const daily = options.trialMode === true ? 50 : 250_000;
  return {
    ...DEFAULTS,
    ...given,
    dataDir,
    ledger,
    apiKeys,
    serviceId: [...services][0]!,
    bounceSmtp: bounceSmtp ?? null,
    limitPerMinute: limiter === 'off' ? null : (limiter?.perMinute ?? 3000),
    dailyLimits: { sms: daily, email: daily, international_sms: 100, ...dailyLimits },
  };
}

const DEFAULTS = {
  notifyPort: 0,
  controlPort: 0,
  smtpPort: 0,
  host: '127.0.0.1',
  templates: DEFAULT_TEMPLATES,
  serviceName: 'Tocsin',
  prefixOn: false,
  callbackUrls: {},
  callbackToken: '',
  callbackRetryMs: 300_000,
  callbackTimeoutMs: 5_000,
  receiptDelayMs: [100, 1_000],
  internationalSms: false,
  ukLandlines: false,
  trialMode: false,
  teamRecipients: [],
  smsSender: 'TOCSIN',
  inboundNumber: '07700900998',
  smsSenders: {},
  emailReplyTos: {},
  seed: 1,
  now: Date.now,
} as const;

function defaultKeys(): ApiKeyOption[] {
  return (['live', 'team', 'test'] as const).map((type) => ({ key: DEFAULT_API_KEYS[type], type }));
}

function resolveKey(option: string | ApiKeyOption): ApiKeyOption {
  const key = typeof option === 'string' ? { key: option, type: 'live' as const } : option;
  if (!KEY_SHAPE.test(key.key)) {
    throw new Error('An API key is {name}-{service id}-{secret}, both of the latter UUIDs.');
  }
  return key;
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const KEY_SHAPE = new RegExp(`^.+-${UUID}-${UUID}$`);

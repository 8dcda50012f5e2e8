/** The first gateway of each kind, as the environment describes them. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Config } from '#config.ts';
import { openGateway, type NewGateway } from '#dispatch/index.ts';

/** Texts and mail of one Notify service are two gateways on one bucket. */
export function gatewaysOf({ notify, smtp, smpp, probe }: Config): NewGateway[] {
  const ours = {
    text: { ...(probe.number && { probeAddress: probe.number }) },
    mail: { ...(probe.mailbox && { probeAddress: probe.mailbox }) },
  };
  const atNotify = (notify?.channels ?? []).map((channel) => ({
    id: channel === 'text' ? 'notify' : 'notify-mail',
    kind: 'notify' as const,
    channel,
    settings: { baseUrl: notify!.baseUrl, apiKey: notify!.apiKey, ...ours[channel] },
    callbackToken: notify!.callbackToken,
  }));
  const bySmtp = smtp && [
    {
      id: 'smtp',
      kind: 'smtp' as const,
      channel: 'mail' as const,
      settings: { ...smtp, ...ours.mail },
    },
  ];
  const bySmpp = smpp && [
    {
      id: 'smpp',
      kind: 'smpp' as const,
      channel: 'text' as const,
      settings: { ...smpp, ...ours.text },
    },
  ];
  return [...atNotify, ...(bySmtp ?? []), ...(bySmpp ?? [])];
}

/** The way to providers. */
export function networkOf({ proxy }: Config) {
  return { httpsProxy: proxy?.https, httpProxy: proxy?.http, noProxy: proxy?.no };
}

/** What each kind of gateway is described by, for the person who has to mend it. */
const VARIABLES = {
  notify: 'NOTIFY_API_KEY, NOTIFY_BASE_URL',
  smtp: 'SMTP_URL, MAIL_FROM',
  smpp: 'SMPP_URL, SMPP_FROM',
} as const;

/**
 * Whether every gateway of the environment can be opened; opens and closes each, which sends
 * nothing. Asked before a folder becomes live, because it is that for ever.
 */
export async function checkGateways(config: Config): Promise<Outcome<void>> {
  for (const gateway of gatewaysOf(config)) {
    try {
      await openGateway(gateway, gateway.settings, { network: networkOf(config) }).close();
    } catch (error) {
      const why = (error as Error).message;
      return refused('invalid', `${VARIABLES[gateway.kind]} cannot be used: ${why}`);
    }
  }
  return ok(undefined);
}

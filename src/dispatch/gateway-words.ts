/** What a gateway's state and its last failure mean, in words for whoever has to act on it. */
import type { BreakerReason, BreakerState } from './breaker.ts';

/** The first that fits a code decides; codes are the provider's or those of the socket. */
const failures: readonly (readonly [RegExp, string])[] = [
  [/^clock_is_wrong/, 'The clock of this machine is wrong by more than 30 seconds: set it.'],
  [/^no_pass_through_template/, 'The service has no template that is nothing but ((body)).'],
  [/^content_differs/, 'The provider sent other words than were approved: look at its template.'],
  [/^429 TooMany/, 'The day’s limit of the service is used up; it begins anew at midnight UTC.'],
  [/^429/, 'We were faster than the provider allows; we go slower for a minute.'],
  [/^40[13]/, 'The provider refuses our key: look whether it was revoked.'],
  [/^(400|404)/, 'The provider refused a message for what is in it or whom it is for.'],
  [/^5\d\d/, 'The provider answered with a failure of its own.'],
  [/^ECONNREFUSED/, 'Nobody listens at its address.'],
  [/^(ENOTFOUND|EAI_AGAIN|EDNS)/, 'Its name cannot be found: look at the DNS of this machine.'],
  [/CERT|TLS|SSL|SELF_SIGNED|ALTNAME/i, 'Its certificate is not trusted here.'],
  [/TIMEOUT|ETIMEDOUT|deadline|no_answer/i, 'It did not answer in time.'],
  [/RESET|EPIPE|SOCKET|EEND|closed/i, 'The connection broke before it answered.'],
  [/^(4\d\d|454|421)/, 'The mail server asked us to try again later.'],
  [/^too_late/, 'We came too late ourselves; nothing was asked.'],
];

export function meaningOfFailure(code: string): string {
  const known = failures.find(([pattern]) => pattern.test(code));
  return known?.[1] ?? 'It failed in a way we have no words for.';
}

export type GatewayCondition = {
  readonly enabled: boolean;
  readonly breakerState: BreakerState;
  readonly breakerReason: BreakerReason | null;
  readonly pausedUntil: Date | null;
  readonly lastProvenAt: Date | null;
};

export type Verdict = {
  readonly text: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'quiet';
};

/** The one word for it, the gravest first. */
export function verdictOf(gateway: GatewayCondition): Verdict {
  if (!gateway.enabled) return { text: 'Switched off', tone: 'quiet' };
  if (gateway.breakerState === 'open') return { text: 'Does not work', tone: 'bad' };
  if (gateway.breakerState !== 'closed') return { text: 'Coming back', tone: 'warn' };
  if (gateway.pausedUntil !== null) return { text: 'Paused', tone: 'warn' };
  if (gateway.lastProvenAt === null) return { text: 'Never proven', tone: 'warn' };
  return { text: 'Works', tone: 'good' };
}

import type { LookupPace } from '#dispatch/on-pages.ts';
import type { RefusalRule } from '#dispatch/store-breaker.ts';
import type { Decisions } from './decisions.ts';
import type { Provider } from './provider.ts';
import type { Twin } from './twin/index.ts';
import type { World } from './world.ts';

/** Between two probes of a gateway, whoever sends them. */
export const PROBE_EVERY_MS = 30_000;

/** A gateway as the engine sees it: an adapter to a simulated provider. */
export type SimulatedGateway = {
  readonly id: string;
  readonly channel: 'text' | 'mail';
  readonly window: number;
  readonly sendMaxMs: number;
  readonly canBeAsked: boolean;
  /** There is a handset or mailbox of ours that it can prove itself by. */
  readonly isProbed: boolean;
  /** No callback comes from it: it is asked. */
  readonly isPolled: boolean;
  readonly provider: Provider;
};

/** What every part of a worker needs. */
export type Parts = {
  readonly world: World;
  readonly twin: Twin;
  readonly decisions: Decisions;
  readonly installation: string;
  readonly pauseWhenRefused: RefusalRule;
  readonly lookupPace: LookupPace;
  /** Texts that people sent were kept: told in their transaction. */
  readonly onReplies: () => void;
  /** A dispatch was paused because of refusals. */
  readonly onPaused: (dispatchId: string) => void;
};

/** What the provider of a gateway shows at our door. */
export function tokenOf(gatewayId: string): string {
  return `token of ${gatewayId}`;
}

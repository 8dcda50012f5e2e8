/** The verbs of whoever steers the gateways while they run. One transaction each, the caller's. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { markGatewayEnabled, setGatewayWeight } from './store-gateway-page.ts';

const AS_IT_WAS = refused('conflict', 'It is so already, or there is no such gateway.');

/**
 * Switches a gateway on or off. What waits for one that is off is taken by the others of its
 * channel at once; what it was asked for is still looked up and its receipts still count.
 */
export async function switchGateway(
  tx: Tx,
  { id, enabled }: { id: string; enabled: boolean },
): Promise<Outcome<void>> {
  if (!(await markGatewayEnabled(tx, id, enabled))) return AS_IT_WAS;
  await record(tx, {
    action: enabled ? 'gateway.switched_on' : 'gateway.switched_off',
    subject: { kind: 'gateway', id },
  });
  return ok(undefined);
}

/** Changes its share of new people; whoever knows it as their sender stays with it. */
export async function weighGateway(
  tx: Tx,
  { id, weight }: { id: string; weight: number },
): Promise<Outcome<void>> {
  const before = await setGatewayWeight(tx, id, weight);
  if (before === undefined) return AS_IT_WAS;
  await record(tx, {
    action: 'gateway.weighed',
    subject: { kind: 'gateway', id },
    detail: { before, weight },
  });
  return ok(undefined);
}

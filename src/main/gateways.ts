/** The gateways of this installation: seeded by the environment, opened from their rows. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import {
  listGateways,
  openGateway,
  saveGateway,
  type Gateway,
  type GatewayRow,
  type NewGateway,
} from '#dispatch/index.ts';
import { gatewaysOf, networkOf } from './environment-gateways.ts';
import type { Ground } from './ground.ts';
import type { SimulatorProcess } from './simulator-process.ts';

/** The key every simulator knows (src/simulator/settings.ts); it opens nothing else. */
const DEMONSTRATION_KEY =
  'simulator_live-70c51700-0000-4000-8000-000000000001-70c51700-0000-4000-8000-0000000000aa';

/**
 * The environment (or the simulator, in a demonstration) describes the first of each kind. What it
 * names wins; every other setting of such a gateway stays as an operator left it.
 */
export async function seedGateways(
  ground: Pick<Ground, 'config' | 'seals'>,
  database: Database,
  simulator: SimulatorProcess | undefined,
): Promise<void> {
  const wanted = simulator
    ? gatewaysOfDemonstration(simulator, ground.config)
    : gatewaysOf(ground.config);
  const { openSettings, sealSettings } = ground.seals;
  await database.withActor(system('start'), async (tx) => {
    const settled = new Map((await listGateways(tx)).map((row) => [row.id, row]));
    for (const gateway of wanted) {
      const row = settled.get(gateway.id);
      const isThere = row?.kind === gateway.kind && row.channel === gateway.channel;
      const kept = isThere ? openSettings(row.id, row.settingsSealed) : {};
      const settings = { ...(kept as object), ...(gateway.settings as object) };
      // Written only where something is new: each writing is an entry of the audit.
      if (isThere && isDeepStrictEqual(kept, settings) && takesToken(row, gateway)) continue;
      const saved = await saveGateway(tx, { ...gateway, settings }, sealSettings);
      if (!saved.ok) throw new Error(saved.message);
    }
  });
}

function takesToken(row: GatewayRow, { callbackToken }: NewGateway): boolean {
  if (callbackToken === undefined) return true;
  const hash = createHash('sha256').update(callbackToken).digest();
  return row.callbackTokenHashes.some((known) => known.equals(hash));
}

export function gatewaysOfDemonstration(
  simulator: Pick<SimulatorProcess, 'notifyUrl' | 'callbackToken' | 'smtpUrl'>,
  { mailIn }: Pick<Ground['config'], 'mailIn'>,
): NewGateway[] {
  const from = 'Tocsin demonstration <alerts@tocsin.test>';
  const bounces = mailIn && { bounceDomain: mailIn.domain };
  return [
    {
      id: 'notify',
      kind: 'notify',
      channel: 'text',
      settings: { baseUrl: simulator.notifyUrl, apiKey: DEMONSTRATION_KEY },
      callbackToken: simulator.callbackToken,
    },
    {
      id: 'smtp',
      kind: 'smtp',
      channel: 'mail',
      settings: { url: simulator.smtpUrl, from, ...bounces },
    },
  ];
}

export type OpenGateways = {
  readonly gateways: readonly Gateway[];
  /** By gateway, for those with a handset or mailbox of ours. */
  readonly probeAddresses: ReadonlyMap<string, string>;
  /** Changes when a gateway comes, goes or gets other settings. */
  readonly version: string;
};

/** An adapter for each row, with its settings opened. */
export async function openGateways(ground: Ground, database: Database): Promise<OpenGateways> {
  const { returnPathKey } = ground.seals;
  const surroundings = { network: networkOf(ground.config), returnPathKey };
  const rows = await listRows(database);
  const open = (row: GatewayRow) =>
    openGateway(row, ground.seals.openSettings(row.id, row.settingsSealed), surroundings);
  const probeAddresses = new Map<string, string>();
  for (const row of rows) {
    const { probeAddress } = ground.seals.openSettings(row.id, row.settingsSealed) as {
      probeAddress?: string;
    };
    if (probeAddress !== undefined) probeAddresses.set(row.id, probeAddress);
  }
  return { gateways: rows.map(open), probeAddresses, version: versionOf(rows) };
}

/** The version of the rows as they are now. */
export async function findGatewayVersion(database: Database): Promise<string> {
  return versionOf(await listRows(database));
}

async function listRows(database: Database): Promise<GatewayRow[]> {
  return await database.withActor(system('start'), (tx) => listGateways(tx));
}

function versionOf(rows: readonly GatewayRow[]): string {
  const hash = createHash('sha256');
  for (const { id, channel, settingsSealed } of rows)
    hash.update(`${id} ${channel} `).update(settingsSealed);
  return hash.digest('hex');
}

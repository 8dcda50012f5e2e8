/**
 * What every command stands on: the configuration, the data folder, the database and the operating
 * model. Each step that fails says in one sentence what is wrong and the way out.
 */
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { parseConfig, type Config, type Environment } from '#config.ts';
import { openDatabase, type Database, type DatabaseRole } from '#db/database.ts';
import { findDataFolder, openDataFolder, type DataFolder } from '#db/data-folder.ts';
import { findRunningPostgres, startEmbeddedPostgres } from '#db/embedded-postgres.ts';
import { bindInstallation } from '#db/installation.ts';
import { migrate } from '#db/migrate.ts';
import { explainOutside } from '#db/outside-failures.ts';
import { explainFullDisk } from '#db/postgres-messages.ts';
import { readRemembered } from '#db/postgres-place.ts';
import { configFromUrl } from '#db/roles.ts';
import { loadOperatingModel, type OperatingModel } from '#operating-model/index.ts';
import { checkGateways } from './environment-gateways.ts';
import { readRules } from './rules.ts';
import { checkCertificate, trustAuthorities } from './trust.ts';
import { openKeyring, type Keyring } from '#sealing/index.ts';
import { sealsOf, type Seals } from './seals.ts';

/** What a driver needs to connect as one of our roles. */
type Connection = Database['config'];

export type Ground = {
  readonly config: Config;
  readonly folder: DataFolder;
  /** The rules in force when it was opened. */
  readonly model: OperatingModel;
  readonly keyring: Keyring;
  readonly seals: Seals;
  readonly configFor: (role: DatabaseRole) => Connection;
  readonly open: (role: DatabaseRole, connectionsMax?: number) => Database;
  /** Stops the embedded PostgreSQL, where this process started it. */
  end(): Promise<void>;
};

export type GroundOptions = {
  readonly environment: Environment;
  /** Joins a PostgreSQL that another process of this folder runs; `start` never does. */
  readonly join: boolean;
  /** It goes on for long: the file of rules comes into force where nobody adopted others. */
  readonly adopts: boolean;
  readonly say: (sentence: string) => void;
};

type Server = {
  readonly configFor: (role: DatabaseRole) => Connection;
  readonly stop: () => Promise<void>;
};

export async function openGround(options: GroundOptions): Promise<Outcome<Ground>> {
  const parsed = parseConfig(options.environment);
  if (!parsed.ok) return parsed;
  const config = parsed.value;
  config.warnings.forEach(options.say);
  const trusted = trustAll(config);
  if (!trusted.ok) return trusted;
  const file = await loadOperatingModel(config.operatingModelFile);
  const found = findDataFolder(config.dataDir);
  if (!found.ok) return found;
  if (found.value === undefined) {
    // Nothing was ever adopted: a file with errors is all there would be.
    if (!file.ok) return file;
    if (options.join && config.databaseUrl === undefined)
      return refused(
        'not_found',
        `There is no data folder at ${config.dataDir} yet. Start once: npm start`,
      );
  }
  // Before anything is made: a folder that is live is so for ever.
  const usable = await checkGateways(config);
  if (!usable.ok) return usable;
  const folder = openDataFolder({ path: config.dataDir, live: config.notify !== undefined });
  if (!folder.ok) return folder;
  const server = await findServer(config, folder.value, options);
  if (!server.ok) return server;
  const { configFor, stop } = server.value;
  const prepared = await prepare(configFor('tocsin_owner'), folder.value);
  const keyring = prepared.ok ? await openKeys(configFor, folder.value) : prepared;
  const rules = keyring.ok ? await readRules(configFor, { file, ...options }) : keyring;
  if (!keyring.ok || !rules.ok) {
    await stop();
    return keyring.ok ? (rules as Refused) : keyring;
  }
  if (options.adopts) rules.value.notes.forEach(options.say);
  return ok({
    config,
    folder: folder.value,
    model: rules.value.model,
    keyring: keyring.value,
    seals: sealsOf(keyring.value),
    configFor,
    open: (role, connectionsMax = 10) => openDatabase(configFor(role), { connectionsMax }),
    end: stop,
  });
}

function trustAll({ caFile, tls }: Config): Outcome<void> {
  const trusted = caFile === undefined ? ok(undefined) : trustAuthorities(caFile);
  if (!trusted.ok || tls === undefined) return trusted;
  return checkCertificate(tls);
}

/**
 * What the machine did to us as one sentence; undefined for what is a bug of ours, whose trace is
 * needed. A database that went away does not say why: a full disk is the usual reason.
 */
export function explainFailure(error: unknown, environment: Environment): Refused | undefined {
  const outside = explainOutside(error);
  const config = parseConfig(environment);
  if (outside === undefined || !config.ok || config.value.databaseUrl !== undefined) return outside;
  const { dataDir } = config.value;
  const full = explainFullDisk(readRemembered({ path: dataDir })?.data ?? dataDir);
  return full === undefined ? outside : refused('unavailable', full);
}

async function findServer(
  config: Config,
  folder: DataFolder,
  { join, say }: GroundOptions,
): Promise<Outcome<Server>> {
  const { databaseUrl } = config;
  const nothingToStop = () => Promise.resolve();
  if (databaseUrl !== undefined)
    return ok({ configFor: (role) => configFromUrl(databaseUrl, role), stop: nothingToStop });
  if (join) {
    const running = await findRunningPostgres(folder);
    if (running !== undefined) return ok({ ...running, stop: nothingToStop });
  }
  const started = await startEmbeddedPostgres({
    dataFolder: folder,
    log: { info: say, warn: say, error: say },
    // For whoever starts a second one on this folder.
    settings: { 'tocsin.address': config.url },
  });
  if (!started.ok) return started;
  const embedded = started.value;
  return ok({ configFor: (role) => embedded.configFor(role), stop: () => embedded.stop() });
}

async function openKeys(
  configFor: Server['configFor'],
  { secrets }: DataFolder,
): Promise<Outcome<Keyring>> {
  const owner = openDatabase(configFor('tocsin_owner'), { connectionsMax: 1 });
  try {
    return await openKeyring(owner, secrets.keyEncryptionKeys);
  } finally {
    await owner.end();
  }
}

async function prepare(owner: Connection, folder: DataFolder): Promise<Outcome<void>> {
  const migrated = await migrate({ config: owner });
  if (!migrated.ok) return migrated;
  return await bindInstallation(owner, folder.installation);
}

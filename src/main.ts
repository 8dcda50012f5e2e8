/** Every command of `bin/tocsin`. Each is a file of `src/cli`; here they get what they stand on. */
import { apiKeyCommand } from '#cli/api-key.ts';
import { applyModelCommand } from '#cli/apply-model.ts';
import { approvalsCommand } from '#cli/approvals.ts';
import { audiencesCommand } from '#cli/audiences.ts';
import { auditCommand } from '#cli/audit.ts';
import { contactsCommand } from '#cli/contacts.ts';
import { askAtTerminal, dataSubjectCommand } from '#cli/data-subject.ts';
import { dispatchCommand } from '#cli/dispatch.ts';
import { cutOffCommand } from '#cli/cut-off.ts';
import { basicChecks, doctorCommand } from '#cli/doctor.ts';
import { explainAlertCommand, isAlertNumber } from '#cli/explain-alert.ts';
import { gatewayCommand } from '#cli/gateway.ts';
import { historyCommand } from '#cli/history.ts';
import { importCommand } from '#cli/import.ts';
import { issuerCommand } from '#cli/issuer.ts';
import { keysCommand } from '#cli/keys.ts';
import { kevCommand } from '#cli/kev.ts';
import { legalHoldCommand } from '#cli/legal-hold.ts';
import { migrateCommand } from '#cli/migrate.ts';
import { operatingModelCommand } from '#cli/operating-model.ts';
import { signInLinkCommand } from '#cli/sign-in-link.ts';
import { simulatorCommand } from '#cli/simulator.ts';
import { startCommand, webCommand, workerCommand } from '#cli/start.ts';
import { whatIfCommand } from '#cli/what-if.ts';
import { parseConfig } from '#config.ts';
import { IssuerClient } from '#identity/index.ts';
import { auditFiles } from '#main/audit-files.ts';
import { networkOf } from '#main/environment-gateways.ts';
import { explainFailure, openGround, type Ground } from '#main/ground.ts';
import { sealedColumns } from '#main/sealed-columns.ts';
import { findOrganisationByCode } from '#organisations/index.ts';

type Command = { readonly summary: string; run(args: string[]): Promise<number> };

const commands: Readonly<Record<string, Command>> = {
  start: {
    summary: 'everything: database, web, worker; a demonstration has phones',
    run: startCommand,
  },
  web: { summary: 'the pages and the API alone', run: webCommand },
  worker: { summary: 'sending and background work alone', run: workerCommand },
  migrate: { summary: 'bring the database to this version', run: migrateCommand },
  simulator: {
    summary: 'a simulated GOV.UK Notify, mail server and phones',
    run: simulatorCommand,
  },
  import: {
    summary: 'bring organisations and contacts into the directory',
    run: (args) =>
      onGround(args, (ground) =>
        importCommand(
          {
            database: ground.open('tocsin_web', 2),
            secrets: ground.seals.directory,
            model: ground.model,
          },
          args,
        ),
      ),
  },
  contacts: {
    summary: 'list the contacts of an organisation, show one',
    run: (args) =>
      onGround(args, ({ open, seals, model }) =>
        contactsCommand({ database: open('tocsin_web', 2), secrets: seals.directory, model }, args),
      ),
  },
  audiences: {
    summary: 'list saved audiences, count and show one',
    run: (args) =>
      onGround(args, ({ open, model }) =>
        audiencesCommand({ database: open('tocsin_web', 2), model }, args),
      ),
  },
  kev: {
    summary: 'bring the catalogue of known exploited vulnerabilities in',
    run: (args) =>
      onGround(args, (ground) => kevCommand({ database: ground.open('tocsin_web', 2) }, args)),
  },
  'api-key': {
    summary: 'make, list and revoke bearer keys of the API',
    run: (args) =>
      onGround(args, (ground) => apiKeyCommand({ database: ground.open('tocsin_web', 2) }, args)),
  },
  approvals: {
    summary: 'check again what approvers signed',
    run: (args) =>
      onGround(args, (ground) =>
        approvalsCommand({ database: ground.open('tocsin_worker', 2) }, args),
      ),
  },
  gateway: {
    summary: 'add, list and remove gateways, exchange their tokens',
    run: (args) =>
      onGround(args, ({ open, seals }) =>
        gatewayCommand(
          { database: open('tocsin_worker', 2), sealSettings: seals.sealSettings },
          args,
        ),
      ),
  },
  issuer: {
    summary: 'add, check and switch sign-ins of others (OpenID Connect)',
    run: (args) =>
      onGround(args, ({ open, seals, config }) =>
        issuerCommand(
          {
            database: open('tocsin_web', 2),
            seals: seals.issuers,
            client: new IssuerClient({ network: networkOf(config) }),
            findOrganisation: findOrganisationByCode,
            origin: config.url,
          },
          args,
        ),
      ),
  },
  dispatch: {
    summary: 'look at a dispatch, pause, resume or stop it',
    run: (args) =>
      onGround(args, (ground) => dispatchCommand({ database: ground.open('tocsin_web', 2) }, args)),
  },
  'sign-in-link': {
    summary: 'make a one-time sign-in link for a person',
    run: (args) =>
      onGround(args, ({ open, model, config }) =>
        signInLinkCommand({ database: open('tocsin_web', 2), model, origin: config.url }, args),
      ),
  },
  'cut-off': {
    summary: 'cut an organisation off whose network is in foreign hands, let it back',
    run: (args) =>
      onGround(args, ({ open, model }) =>
        cutOffCommand({ database: open('tocsin_web', 2), model }, args),
      ),
  },
  'legal-hold': {
    summary: 'let nothing go for its age while an inquiry needs it',
    run: (args) =>
      onGround(args, ({ open, model }) =>
        legalHoldCommand({ database: open('tocsin_web', 2), model }, args),
      ),
  },
  history: {
    summary: 'see whether sending is held, let it go on after a restore',
    run: (args) =>
      onGround(args, ({ open, model }) =>
        historyCommand({ database: open('tocsin_worker', 2), model }, args),
      ),
  },
  audit: {
    summary: 'check the log of the audit, export it, exchange its key',
    run: (args) =>
      onGround(args, (ground) =>
        auditCommand(
          {
            database: ground.open('tocsin_web', 2),
            owner: ground.open('tocsin_owner', 1),
            model: ground.model,
            ...auditFiles(ground),
          },
          args,
        ),
      ),
  },
  keys: {
    summary: 'see the keys that values are sealed by, exchange them',
    run: (args) =>
      onGround(args, ({ open, model, keyring, folder }) =>
        keysCommand(
          {
            database: open('tocsin_web', 1),
            owner: open('tocsin_owner', 2),
            model,
            keyring,
            folder: folder.path,
            columns: sealedColumns,
          },
          args,
        ),
      ),
  },
  'data-subject': {
    summary: 'export all that is held on one person, or erase it',
    run: (args) =>
      onGround(args, ({ open, model, seals }) =>
        dataSubjectCommand(
          {
            database: open('tocsin_web', 1),
            owner: open('tocsin_owner', 1),
            model,
            seals,
            ask: askAtTerminal(),
          },
          args,
        ),
      ),
  },
  'operating-model': {
    summary: 'check, show, compare and propose the rules of the centre',
    run: async ([verb, ...args]) =>
      verb === 'apply'
        ? await onGround(args, ({ open, model, config }) =>
            applyModelCommand({ database: open('tocsin_web', 2), model, origin: config.url }, args),
          )
        : verb === 'explain' && isAlertNumber(args[0])
          ? await onGround(args, ({ open, model }) =>
              explainAlertCommand({ database: open('tocsin_web', 2), model }, args),
            )
          : await operatingModelCommand(verb === undefined ? [] : [verb, ...args]),
  },
  'what-if': {
    summary: 'rehearse an alert, or a year of them, on a simulated clock',
    run: (args) =>
      onGround(args, ({ open, model, config }) =>
        whatIfCommand({ database: open('tocsin_web', 2), model, origin: config.url }, args),
      ),
  },
  doctor: { summary: 'check this machine, the data folder and the database', run: doctor },
};

/** Opens the database (joining a running Tocsin), runs the command, closes what was opened. */
async function onGround(
  args: readonly string[],
  run: (ground: Ground) => Promise<number>,
): Promise<number> {
  const say = (sentence: string) => process.stderr.write(`${sentence}\n`);
  // Help must not make a data folder: what it is made for, live or not, it is for ever.
  if (args.length === 0 || args.some((arg) => arg === '--help' || arg === '-h'))
    return await run(groundForHelp);
  const opened = await openGround({ environment: process.env, join: true, adopts: false, say });
  if (!opened.ok) {
    process.stderr.write(`${opened.message}\n`);
    return 1;
  }
  const ground = opened.value;
  try {
    return await run(ground);
  } finally {
    await ground.end();
  }
}

/** Nothing to stand on: whoever prints help opens nothing. */
const groundForHelp = {
  open: () => undefined,
  seals: {},
  config: {},
  folder: { path: '', installation: {} },
} as unknown as Ground;

async function doctor(args: string[]): Promise<number> {
  const config = parseConfig(process.env);
  if (!config.ok) {
    process.stderr.write(`${config.message}\n`);
    return 1;
  }
  return await doctorCommand({ checks: basicChecks(config.value) }, args);
}

function help(): string {
  const lines = Object.entries(commands).map(
    ([name, { summary }]) => `  ${name.padEnd(16)}${summary}`,
  );
  return `Usage: bin/tocsin <command> [options]\n\n${lines.join('\n')}\n\nEvery command has --help.\n`;
}

async function main([name = '', ...args]: string[]): Promise<number> {
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(help());
    return name === '' ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`There is no command "${name}".\n\n${help()}`);
    return 2;
  }
  try {
    return await command.run(args);
  } catch (error) {
    const outside = explainFailure(error, process.env);
    if (outside === undefined) throw error;
    process.stderr.write(`${outside.message}\n`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
// Idle connections and timers must not keep a finished command alive.
setTimeout(() => process.exit(), 1_000).unref();

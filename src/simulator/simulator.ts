import { type ActiveFault, type Fault, faultSchema } from './faults.ts';
import type { ReceivedText } from './handsets.ts';
import { MailServer } from './mail-server.ts';
import { createPages } from './pages.ts';
import { parsePhoneNumber } from './phone-number.ts';
import { restoreFromLedger } from './restore.ts';
import { Doors, Listener } from './doors.ts';
import { lockFolder } from './folder-lock.ts';
import { createHandler } from './server.ts';
import { type Settings, type SimulatorOptions, resolveSettings } from './settings.ts';
import { Simulation } from './simulation.ts';

export type Simulator = {
  /** Base URL of the Notify API; `/phones`, `/mail` and `/_control` are here too. */
  readonly notifyUrl: string;
  /** The same pages and levers on a second port, which stays open under the fault `down`. */
  readonly controlUrl: string;
  readonly smtpPort: number;
  /** The ledger file, or null when the ledger is off. */
  readonly ledgerPath: string | null;
  /** For tests in the same process; `/_control` gives the same to others. */
  readonly addFault: (fault: FaultInput) => Promise<ActiveFault>;
  readonly clearFaults: () => Promise<void>;
  readonly reply: (number: string, text: string) => Promise<ReceivedText>;
  readonly simulation: Simulation;
  readonly close: () => Promise<void>;
};

/** A fault with its optional fields left out. */
export type FaultInput = { readonly fault: Fault['fault']; readonly [field: string]: unknown };

/**
 * Starts the simulated Notify, mail server and phones; resolves when all doors are open and the
 * state is what the ledger says.
 * @throws Error when an option is wrong, a port is taken, or the ledger is damaged.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const settings = resolveSettings(options);
  const { dataDir, ledger } = settings;
  const letGo = dataDir === null || ledger === 'off' ? () => {} : await lockFolder(dataDir);
  try {
    return await open(settings, letGo);
  } catch (error) {
    letGo();
    throw error;
  }
}

async function open(settings: Settings, letGo: () => void): Promise<Simulator> {
  const simulation = new Simulation(settings);
  await restoreFromLedger(simulation);
  const handler = createHandler(simulation, createPages(simulation));
  const doors = new Doors(simulation.faults, {
    notify: new Listener(settings.host, settings.notifyPort, handler),
    control: new Listener(settings.host, settings.controlPort, handler),
  });
  simulation.doors = doors;
  const mail = new MailServer(simulation);
  await Promise.all([doors.open(), mail.open()]);
  return {
    notifyUrl: doors.notifyUrl,
    controlUrl: doors.controlUrl,
    smtpPort: mail.port,
    ledgerPath: simulation.ledger.path,
    simulation,
    addFault: async (fault) => {
      const added = simulation.addFault(faultSchema.parse(fault));
      await doors.settle();
      return added;
    },
    clearFaults: async () => {
      simulation.faults.clear();
      await doors.settle();
    },
    reply: (number, text) => simulation.reply(normalise(number), text),
    close: async () => {
      await Promise.all([doors.close(), mail.close()]);
      await simulation.close();
      letGo();
    },
  };
}

function normalise(number: string): string {
  const phone = parsePhoneNumber(number);
  if (!phone.ok) throw new Error(`number ${phone.message}`);
  return phone.normalised;
}

import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ControlApi } from './control-api.ts';
import { NotifyApi } from './notify-api.ts';
import type { FaultSet } from './faults.ts';
import type { Pages } from './pages.ts';
import type { Simulation } from './simulation.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A listener that can be closed and opened again on the same port. */
export class Listener {
  readonly #host: string;
  readonly #handler: Handler;
  #port: number;
  #server: Server | null = null;

  constructor(host: string, port: number, handler: Handler) {
    this.#host = host;
    this.#port = port;
    this.#handler = handler;
  }

  get url(): string {
    return `http://${this.#host}:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  async open(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer({ keepAliveTimeout: 65_000, noDelay: true }, this.#handler);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#host, 4_096, resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends every connection, also those with a request under way: callers see a reset. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}

/** Both listeners, and which of them is closed by the fault `down`. */
export class Doors {
  readonly #faults: FaultSet;
  readonly #notify: Listener;
  readonly #control: Listener;
  #settling: Promise<void> = Promise.resolve();

  constructor(faults: FaultSet, listeners: { notify: Listener; control: Listener }) {
    this.#faults = faults;
    this.#notify = listeners.notify;
    this.#control = listeners.control;
  }

  get notifyUrl(): string {
    return this.#notify.url;
  }

  get controlUrl(): string {
    return this.#control.url;
  }

  /** True when `request` came in by the door that `down` closes. */
  isNotify(request: IncomingMessage): boolean {
    return request.socket.localPort === this.#notify.port;
  }

  async open(): Promise<void> {
    await this.#control.open();
    await this.#notify.open();
  }

  /** Opens or closes the Notify door as the present faults say; resolves when it is done. */
  settle(): Promise<void> {
    this.#settling = this.#settling.then(() =>
      this.#faults.isRefusing ? this.#notify.close() : this.#notify.open(),
    );
    return this.#settling;
  }

  async close(): Promise<void> {
    await this.#settling;
    await Promise.all([this.#notify.close(), this.#control.close()]);
  }
}

/** Sends each request to the API, the levers or the pages. */
export function createHandler(simulation: Simulation, pages: Pages): Handler {
  const notify = new NotifyApi(simulation);
  const control = new ControlApi(simulation);
  return (request, response) => {
    const url = request.url ?? '/';
    if (url.startsWith('/v2/') || url.startsWith('/_status')) notify.handle(request, response);
    else if (isForeign(request)) refuseForeign(response);
    else if (url.startsWith('/_control/')) void control.handle(request, response);
    else void pages.handle(request, response);
  };
}

/**
 * True for a request that another web site makes in a visitor's browser. Levers and reply boxes
 * ask for no password, so a page elsewhere must not be able to pull them.
 */
function isForeign(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site'];
  return request.method !== 'GET' && (site === 'cross-site' || site === 'same-site');
}

function refuseForeign(response: ServerResponse): void {
  response.writeHead(403, { 'content-type': 'text/plain' });
  response.end('Refused: this request comes from another site.\n');
}

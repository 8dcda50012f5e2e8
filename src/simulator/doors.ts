import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FaultSet } from './faults.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

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

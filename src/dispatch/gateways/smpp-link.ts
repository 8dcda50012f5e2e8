/**
 * One bound connection to a message centre, kept up for ever. The package packs and reads packets;
 * what it leaves out is here: it never says what became of a packet when the connection breaks, it
 * does not connect again, and an error without a listener would end the process.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, PDU, type Session } from 'smpp';
import { codeOf } from './http.ts';

export type LinkSettings = {
  /** `smpp://user:password@host:port`, or `smpps:` for TLS. */
  readonly url: string;
  readonly systemType: string;
};

/** What a session is for: texts go by a transmitter, receipts and answers come by a receiver. */
export type BindKind = 'transceiver' | 'transmitter' | 'receiver';

export type LinkWaits = {
  /** For connection, TLS and bind together, in ms. */
  readonly connectMs: number;
  /** For the answer to one packet. */
  readonly answerMs: number;
  /** Between two questions whether the other side still lives. */
  readonly enquireMs: number;
  /** The longest pause before connecting again; the first is a sixteenth of it. */
  readonly againMs: number;
};

/** What became of one packet. */
export type Submitted =
  | { readonly answer: 'status'; readonly status: number; readonly messageId: unknown }
  /** It was written, and nothing came back. */
  | { readonly answer: 'none' }
  /** No connection took it. */
  | { readonly answer: 'not_written' };

export type LinkEvents = {
  /** Keeps what came in; false lets the centre bring it again. */
  readonly onDeliver: (packet: PDU) => Promise<boolean>;
};

/** `ESME_RX_T_APPN`: keep it and bring it again. */
const AGAIN_LATER = 0x64;
const PORT = 2775;
const TLS_PORT = 3550;

export class SmppLink {
  #kind: BindKind;
  #settings: LinkSettings;
  #waits: LinkWaits;
  #events: LinkEvents;
  #session: Session | undefined;
  /** Why there is no bound connection, in one word. */
  #why = 'not_connected';
  #bound = Promise.withResolvers<void>();
  #unanswered = new Set<() => void>();
  #closing = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(kind: BindKind, settings: LinkSettings, waits: LinkWaits, events: LinkEvents) {
    this.#kind = kind;
    this.#settings = settings;
    this.#waits = waits;
    this.#events = events;
  }

  get why(): string {
    return this.#why;
  }

  /** Connects and binds, and again whenever that ends. */
  open(): void {
    this.#loop ??= this.#keepBound();
  }

  /** True as soon as it is bound, false where it is not after `ms`. */
  async whenBound(ms: number): Promise<boolean> {
    this.open();
    if (this.#session !== undefined) return true;
    const late = new AbortController();
    const waited = delay(ms, undefined, { signal: late.signal }).catch(() => {});
    await Promise.race([this.#bound.promise, waited]);
    late.abort();
    return this.#session !== undefined;
  }

  /** Writes one packet and waits for its answer. `onLate` hears of an answer that came after. */
  submit(
    fields: Readonly<Record<string, unknown>>,
    mostMs: number,
    onLate: (submitted: Submitted) => void,
  ): Promise<Submitted> {
    const session = this.#session;
    if (session === undefined) return Promise.resolve({ answer: 'not_written' });
    return new Promise((resolve) => {
      let isOver = false;
      const end = (submitted: Submitted) => {
        isOver = true;
        clearTimeout(timer);
        this.#unanswered.delete(lost);
        resolve(submitted);
      };
      const lost = () => end({ answer: 'none' });
      const timer = setTimeout(lost, Math.min(mostMs, this.#waits.answerMs));
      this.#unanswered.add(lost);
      const isWritten = session.send(new PDU('submit_sm', fields), (response) => {
        const { command_status: status, message_id: messageId } = response;
        const submitted = { answer: 'status', status, messageId } as const;
        if (isOver) onLate(submitted);
        else end(submitted);
      });
      if (!isWritten) end({ answer: 'not_written' });
    });
  }

  /** Says good-bye and ends. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#session?.send(new PDU('unbind'));
    this.#session?.close();
    await this.#loop;
  }

  async #keepBound(): Promise<void> {
    const { signal } = this.#closing;
    let pauseMs = this.#waits.againMs / 16;
    while (!signal.aborted) {
      const begun = performance.now();
      this.#why = await this.#oneSession();
      // One that held for a while was no refusal: begin with the short pause again.
      if (performance.now() - begun > this.#waits.againMs) pauseMs = this.#waits.againMs / 16;
      await delay(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, this.#waits.againMs);
    }
  }

  /** From connecting to the end of it; says why it ended. */
  #oneSession(): Promise<string> {
    const url = new URL(this.#settings.url.replace(/^s?smpps?:/, 'http:'));
    const isTls = !this.#settings.url.startsWith('smpp:');
    const host = url.hostname.replaceAll(/[[\]]/g, '');
    const port = Number(url.port || (isTls ? TLS_PORT : PORT));
    return new Promise((resolve) => {
      const session = connect({ host, port, tls: isTls, servername: host });
      // One that is bound says good-bye first, and is waited for.
      const stopping = () => {
        if (this.#session === session) setTimeout(() => end('closed'), this.#waits.answerMs);
        else end('closed');
      };
      const late = setTimeout(() => end('connect_timeout'), this.#waits.connectMs);
      let alive: NodeJS.Timeout | undefined;
      let isOver = false;
      const end = (why: string) => {
        // Its closing is heard again later, when the next session has packets under way.
        if (isOver) return;
        isOver = true;
        clearTimeout(late);
        clearInterval(alive);
        this.#closing.signal.removeEventListener('abort', stopping);
        if (this.#session === session) {
          this.#session = undefined;
          this.#bound = Promise.withResolvers();
        }
        for (const lost of this.#unanswered) lost();
        session.destroy();
        resolve(why);
      };
      this.#closing.signal.addEventListener('abort', stopping);
      session.on('error', (error) => end(codeOf(error)));
      session.on('close', () => end('closed'));
      session.on('pdu', (packet: PDU) => this.#take(session, packet, end));
      session.on(isTls ? 'secureConnect' : 'connect', () => {
        session.send(new PDU(`bind_${this.#kind}`, this.#bindFields(url)), (response) => {
          const { command_status: status } = response;
          if (status !== 0) {
            end(`bind 0x${status.toString(16)}`);
            return;
          }
          clearTimeout(late);
          alive = setInterval(() => this.#enquire(session, end), this.#waits.enquireMs);
          this.#session = session;
          this.#bound.resolve();
          if (this.#closing.signal.aborted) session.close();
        });
      });
    });
  }

  #bindFields(url: URL): Record<string, unknown> {
    return {
      system_id: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      system_type: this.#settings.systemType,
      interface_version: 0x34,
    };
  }

  #enquire(session: Session, end: (why: string) => void): void {
    const silent = setTimeout(() => end('silent'), this.#waits.answerMs);
    session.once('close', () => clearTimeout(silent));
    session.send(new PDU('enquire_link'), () => clearTimeout(silent));
  }

  /** A request of the centre; every one is answered, unless it asks for none. */
  #take(session: Session, packet: PDU, end: (why: string) => void): void {
    if (packet.isResponse()) return;
    switch (packet.command) {
      case 'deliver_sm':
      case 'data_sm':
        void this.#events.onDeliver(packet).then((isKept) => {
          session.send(packet.response({ command_status: isKept ? 0 : AGAIN_LATER }));
        });
        return;
      case 'unbind':
        session.send(packet.response());
        end('unbound');
        return;
      case 'outbind':
      case 'alert_notification':
        return;
      default:
        // `enquire_link` gets its answer, anything else a `generic_nack`.
        session.send(packet.response());
    }
  }
}

/** What we use of the package `smpp`, which ships no types. */
declare module 'smpp' {
  import type { EventEmitter } from 'node:events';
  import type { Server as NetServer } from 'node:net';

  /** Its text as it was read, or bytes where the package knows no such alphabet. */
  export type ShortMessage = {
    readonly message: string | Buffer;
    readonly udh?: readonly Buffer[];
  };

  export class PDU {
    constructor(command: string, fields?: Readonly<Record<string, unknown>>);
    readonly command: string;
    readonly command_status: number;
    readonly sequence_number: number;
    readonly [field: string]: unknown;
    isResponse(): boolean;
    response(fields?: Readonly<Record<string, unknown>>): PDU;
  }

  export class Session extends EventEmitter {
    /** False where the connection takes nothing any more. The callback gets the response. */
    send(pdu: PDU, onResponse?: (response: PDU) => void): boolean;
    close(onClosed?: () => void): void;
    destroy(onClosed?: () => void): void;
  }

  export type ConnectOptions = {
    readonly host: string;
    readonly port: number;
    readonly tls: boolean;
    readonly servername?: string;
  };

  export function connect(options: ConnectOptions): Session;
  export function createServer(onSession: (session: Session) => void): NetServer;
}

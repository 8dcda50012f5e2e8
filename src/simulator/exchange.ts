import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answers.ts';

/** The most the API reads of one request body. */
const BODY_LIMIT_BYTES = 3 * 1024 * 1024;

const COMMON_HEADERS = Object.entries({
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store, no-cache, private, must-revalidate',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'Content-Type,Authorization',
  'Access-Control-Allow-Methods': 'GET,PUT,POST,DELETE',
  'X-Content-Type-Options': 'nosniff',
}).flat();

let traceNumber = 0;

/** One request to the API and its answer, on bare `node:http` because this path is measured. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: string;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    this.path = mark === -1 ? url : url.slice(0, mark);
    this.query = mark === -1 ? '' : url.slice(mark + 1);
  }

  /** Scheme and host as the caller wrote them: links in answers lead back the same way. */
  get origin(): string {
    return `http://${this.request.headers.host ?? 'localhost'}`;
  }

  /** Calls `done` with the whole body as text; answers 413 itself when it is too long. */
  readBody(done: (body: string) => void): void {
    const chunks: Buffer[] = [];
    let length = 0;
    this.request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > BODY_LIMIT_BYTES) {
        this.html(413, 'Request Entity Too Large');
        this.request.destroy();
        return;
      }
      chunks.push(chunk);
    });
    this.request.on('end', () => {
      done(chunks.length === 1 ? chunks[0]!.toString() : Buffer.concat(chunks).toString());
    });
  }

  body(): Promise<string> {
    return new Promise((resolve) => this.readBody(resolve));
  }

  answer({ status, body }: Answer): void {
    if (this.response.destroyed) return;
    traceNumber += 1;
    const trace = traceNumber.toString(16).padStart(16, '0');
    const headers = COMMON_HEADERS.concat(
      'Content-Length',
      Buffer.byteLength(body).toString(),
      'X-B3-TraceId',
      trace,
      'X-B3-SpanId',
      trace,
    );
    this.response.writeHead(status, headers);
    this.response.end(body);
  }

  /** What an edge in front of the service answers: not JSON. */
  html(status: number, title: string): void {
    if (this.response.destroyed) return;
    this.response.writeHead(status, { 'content-type': 'text/html' });
    this.response.end(`<html><body><h1>${status} ${title}</h1></body></html>`);
  }

  /** Ends the connection without an answer. */
  drop(): void {
    this.request.socket.destroy();
  }
}

/**
 * What is HTTP at all: a request that two readers (a proxy before us, and we) could take for two
 * different ones is refused, as is whatever the parser stumbled over.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** Said twice, one of them would count here and the other one at a proxy. */
const ONCE = ['host', 'content-type', 'content-encoding', 'authorization', 'transfer-encoding'];

/**
 * True where a request says each thing once, in a version and a coding that are read here
 * (RFC 9110, 9112): the parser lets through two hosts, HTTP/2 written as text, no version at all,
 * chunks in HTTP/1.0, and a body that is compressed, whose bytes it would hand on as they are.
 */
export function isPlainHttp({ httpVersion, headers, rawHeaders }: IncomingMessage): boolean {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return false;
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  if (ONCE.some((name) => names.indexOf(name) !== names.lastIndexOf(name))) return false;
  const { 'transfer-encoding': transfer, 'content-encoding': coding = 'identity' } = headers;
  const isRead = transfer === undefined || (transfer === 'chunked' && httpVersion === '1.1');
  return isRead && coding === 'identity';
}

/** What is not HTTP gets the least answer possible. */
export function refuseBrokenHttp(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  end(socket, status);
}

/** Somebody takes us for a proxy. */
export function refuseTunnel(_: IncomingMessage, socket: Duplex): void {
  end(socket, '405 Method Not Allowed');
}

function end(socket: Duplex, status: string): void {
  socket.on('error', () => {});
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n` +
      'X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n',
  );
}

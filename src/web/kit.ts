/** What the parts of the server hand to each other, and what `main.ts` gives to `createServer`. */
import type { FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import type { Actor, Permission } from '#kernel/actor.ts';
import type { Assets } from './assets.ts';
import type { Crowd } from './crowd.ts';
import type { IdempotencyStore } from './idempotency.ts';
import type { Route, Session } from './route.ts';
import type { SecurityContact } from './security-txt.ts';
import type { Views } from './views.ts';

/** What the kit logs of a request: no number, address, token, path or query (P12). */
export type LogFields = {
  readonly requestId?: string;
  readonly method?: string;
  /** The pattern of the route, never the path. */
  readonly route?: string;
  readonly status?: number;
  readonly durationMs?: number;
  readonly personId?: string;
  readonly keyId?: string;
  readonly error?: unknown;
};

/** The part of `src/log.ts` that the kit needs. */
export type Log = {
  info(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
};

export type Sessions = {
  /** The living session of a cookie's token, or undefined when it ended or never was. */
  findSession(token: string, now: Date): Promise<Session | undefined>;
};

export type ApiKeys = {
  /** The actor of a bearer key, or undefined. */
  findApiKey(secret: string, now: Date): Promise<Actor | undefined>;
};

export type NavigationItem = {
  readonly href: string;
  readonly text: string;
  /** Addresses of the same part of the product that do not lie under `href`. */
  readonly also?: readonly string[];
  /** Shown to everybody signed in where absent. */
  readonly permission?: Permission;
};

export type Installation = {
  readonly name: string;
  /** For ever: see P11. */
  readonly kind: 'live' | 'demonstration';
};

/**
 * How long one connection may keep us waiting, in ms. A body of 20 MiB in a minute is 3 Mbit/s; a
 * stream beats every 15 s and so is never silent.
 */
export const WAITS = {
  /** From the first byte (or the connection) to the end of the headers. */
  headers: 15_000,
  /** To the end of the body. */
  request: 60_000,
  /** Nothing moves either way while a request is open: longer than any statement may run. */
  silence: 120_000,
  /** How often the first two are looked at. */
  check: 5_000,
};

export type ServerOptions = {
  readonly routes: readonly Route[];
  readonly installation: Installation;
  /** What people type, such as `https://tocsin.example`; decides cookies and HSTS. */
  readonly origin: string;
  readonly sessions: Sessions;
  /** Of contacts who came by a code; none where absent. */
  readonly contactSessions?: Sessions;
  readonly apiKeys: ApiKeys;
  readonly idempotency?: IdempotencyStore;
  readonly navigation?: readonly NavigationItem[];
  /** `src`: where `<slice>/views` and `<slice>/assets` lie. */
  readonly sourceFolder?: string;
  /** For `/readyz`: each throws while its part is not ready. */
  readonly checks?: Readonly<Record<string, () => Promise<void>>>;
  readonly registry?: Registry;
  readonly log: Log;
  readonly now?: () => Date;
  /** How often a stream beats and asks whether its visitor may still see it; 15 s unless told. */
  readonly streamBeatMs?: number;
  /** Other waits than `WAITS`, for tests. */
  readonly waits?: Readonly<Partial<typeof WAITS>>;
  /** Addresses of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[];
  readonly tls?: { readonly cert: string; readonly key: string };
  /** For `/.well-known/security.txt`; not there where absent. */
  readonly securityContact?: SecurityContact;
};

/** What is known about one request beside what the browser sent. */
export type Context = {
  readonly id: string;
  readonly nonce: string;
  readonly startedAtMs: number;
  actor: Actor;
  session: Session | undefined;
};

/** What another operating model makes anew while the server runs. */
export type Replacement = Pick<ServerOptions, 'routes' | 'sessions' | 'apiKeys' | 'installation'>;

export type Contexts = WeakMap<FastifyRequest, Context>;

export type Kit = {
  /** With the newest replacement in it; a request that has begun keeps the route it began with. */
  options: ServerOptions;
  /** The routes of now, by method and path. */
  readonly routes: Map<string, Route>;
  readonly views: Views;
  readonly assets: Assets;
  readonly cookies: Readonly<Record<'session' | 'contact' | 'ticket' | 'notice', string>>;
  readonly now: () => Date;
  /** Aborts when the server closes, so that streams end. */
  readonly closing: AbortSignal;
  /** How many streams each session holds open, by its id. */
  readonly streams: Map<string, number>;
  /** Frames of streams by model and template, for as long as the model is held. */
  readonly fragments: WeakMap<object, Map<string, Uint8Array>>;
  /** Of the routes that have a `perMinuteMax`. */
  readonly crowd: Crowd;
};

/** `__Host-` pins a cookie to this very host and to https (RFC 6265bis, section 4.1.3.2). */
export function cookieNames(origin: string): Kit['cookies'] {
  const prefix = origin.startsWith('https:') ? '__Host-' : '';
  const name = `${prefix}tocsin`;
  const [contact, ticket, notice] = [`${name}-contact`, `${name}-ticket`, `${name}-notice`];
  return { session: name, contact, ticket, notice };
}

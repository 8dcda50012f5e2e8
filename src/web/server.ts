/**
 * The web server: every request passes the same gates in the same order (headers, provenance,
 * identity, admission, parsing), whatever the route. Slices are lists of routes; none is known.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import cookie from '@fastify/cookie';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Registry } from 'prom-client';
import { nobody } from '#kernel/actor.ts';
import { networkOf } from '#kernel/ip-network.ts';
import { chooseEncoding, loadAssets, type Assets } from './assets.ts';
import { BODY_BYTES_MAX, registerBodyParsers } from './body.ts';
import { Crowd } from './crowd.ts';
import {
  cookieNames,
  WAITS,
  type Contexts,
  type Kit,
  type Replacement,
  type ServerOptions,
} from './kit.ts';
import { addMeasures } from './measures.ts';
import { operatorRoutes } from './operations.ts';
import { notFoundProblem, statusProblem, thrownStatus } from './problems.ts';
import { sendProblemSafely, type Exchange } from './respond.ts';
import type { Route } from './route.ts';
import {
  identify,
  isAdmittedFirst,
  isForPrograms,
  isReadFirst,
  proofOf,
  serve,
  turnAway,
} from './serve.ts';
import { isOurOwn, isSafeMethod } from './same-site.ts';
import { securityHeaders } from './security-headers.ts';
import { isPlainHttp, refuseBrokenHttp, refuseTunnel } from './strict-http.ts';
import { loadViews, type Views } from './views.ts';

export type WebServer = {
  /** Begins to listen and returns the address, such as `http://127.0.0.1:3000`. */
  listen(to: { readonly port: number; readonly host?: string }): Promise<string>;
  /** Ends streams, lets running requests finish. */
  close(): Promise<void>;
  /**
   * From the next request on these answer. Every method and path must be there as before: what a
   * request is admitted by was settled at the start.
   */
  replace(next: Replacement): void;
  /** All routes, the operator's too: for guards. */
  readonly routes: readonly Route[];
};

declare module 'fastify' {
  interface FastifyContextConfig {
    tocsin?: Route;
  }
}

const SOURCE_FOLDER = path.join(import.meta.dirname, '..');

type Files = { readonly assets: Assets; readonly views: Views };

/** Compressed and compiled once in a process: they do not change while it runs. */
let ourFiles: Promise<Files> | undefined;

async function loadFiles(sourceFolder: string): Promise<Files> {
  const assets = await loadAssets(sourceFolder);
  return { assets, views: loadViews(sourceFolder, assets) };
}

export async function createServer(options: ServerOptions): Promise<WebServer> {
  const { assets, views } = await (options.sourceFolder === undefined
    ? (ourFiles ??= loadFiles(SOURCE_FOLDER))
    : loadFiles(options.sourceFolder));
  const closing = new AbortController();
  const registry = options.registry ?? new Registry();
  const kit: Kit = {
    options,
    assets,
    views,
    cookies: cookieNames(options.origin),
    now: options.now ?? (() => new Date()),
    closing: closing.signal,
    streams: new Map(),
    fragments: new WeakMap(),
    crowd: new Crowd(),
    routes: new Map(),
  };
  const routes = [...options.routes, ...operatorRoutes(kit, registry)];
  const contexts: Contexts = new WeakMap();
  const app = openFastify(kit, contexts);
  app.server.on('connect', refuseTunnel);
  registerBodyParsers(app);
  await app.register(cookie);
  addGates(app, kit, contexts);
  addMeasures(app, kit, registry, contexts);
  addAssets(app, kit);
  for (const route of routes) addRoute(app, kit, route, contexts);
  addErrors(app, kit, routes, contexts);
  return {
    routes,
    replace(next) {
      kit.options = { ...kit.options, ...next };
      for (const route of next.routes) kit.routes.set(keyOf(route), route);
    },
    listen: ({ port, host }) => app.listen({ port, host: host ?? '127.0.0.1' }),
    close: async () => {
      closing.abort();
      await app.close();
    },
  };
}

function openFastify(kit: Kit, contexts: Contexts): FastifyInstance {
  const { tls, trustedProxies } = kit.options;
  const waits = { ...WAITS, ...kit.options.waits };
  const sockets = { headersTimeout: waits.headers, connectionsCheckingInterval: waits.check };
  const shared = {
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: waits.request,
    connectionTimeout: waits.silence,
    keepAliveTimeout: 65_000,
    forceCloseConnections: true,
    trustProxy: trustedProxies === undefined ? false : [...trustedProxies],
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: true },
    clientErrorHandler: refuseBrokenHttp,
    frameworkErrors: (
      error: { statusCode?: number },
      request: FastifyRequest,
      reply: FastifyReply,
    ) => {
      const exchange = exchangeOf(kit, contexts, request, reply);
      sendProblemSafely(exchange, statusProblem(error.statusCode ?? 400));
    },
  };
  return tls === undefined
    ? fastify({ ...shared, http: sockets })
    : (fastify({ ...shared, https: { ...tls, ...sockets, minVersion: 'TLSv1.2' } }) as never);
}

/** The context of a request, made at first sight together with its security headers. */
function exchangeOf(
  kit: Kit,
  contexts: Contexts,
  request: FastifyRequest,
  reply: FastifyReply,
): Exchange {
  let context = contexts.get(request);
  if (context === undefined) {
    context = {
      id: randomUUID(),
      nonce: randomBytes(18).toString('base64'),
      startedAtMs: performance.now(),
      actor: nobody,
      session: undefined,
    };
    contexts.set(request, context);
    reply.headers(securityHeaders(kit.options.origin, context.nonce));
    reply.header('x-request-id', context.id);
  }
  const forPrograms = isForPrograms(request.routeOptions?.config?.tocsin, request.url);
  return { kit, context, request, reply, forPrograms };
}

function addGates(app: FastifyInstance, kit: Kit, contexts: Contexts): void {
  app.addHook('onRequest', async (request, reply) => {
    const exchange = exchangeOf(kit, contexts, request, reply);
    if (!isPlainHttp(request.raw)) {
      reply.header('connection', 'close');
      return sendProblemSafely(exchange, statusProblem(400));
    }
    const route = request.routeOptions.config.tocsin;
    if (route === undefined) return undefined;
    if (route.kind === 'page' || route.kind === 'events') {
      const from = {
        method: request.method,
        secFetchSite: request.headers['sec-fetch-site'],
        origin: request.headers.origin,
      };
      if (!isOurOwn(from, kit.options.origin)) {
        return sendProblemSafely(exchange, statusProblem(403));
      }
    }
    if (isCrowded(kit, route, request)) {
      reply.header('retry-after', '60');
      return sendProblemSafely(exchange, statusProblem(429));
    }
    if (!takesBody(route, request)) return sendProblemSafely(exchange, statusProblem(415));
    if (!isReadFirst(route)) await identify(kit, exchange.context, request, proofOf(route));
    return isAdmittedFirst(route) ? turnAway(exchange, route) : undefined;
  });
}

function isCrowded(kit: Kit, { method, path, perMinuteMax }: Route, { ip }: FastifyRequest) {
  if (perMinuteMax === undefined) return false;
  const limit = { most: perMinuteMax, now: kit.now() };
  return !kit.crowd.admits(`${method} ${path}`, networkOf(ip), limit);
}

/** Pages take forms only and the API takes JSON only, so no body can be read as the other. */
function takesBody(route: Route, request: FastifyRequest): boolean {
  const type = request.headers['content-type'];
  if (isSafeMethod(request.method) || type === undefined) return true;
  const isForm = /^(application\/x-www-form-urlencoded|multipart\/form-data)\s*(;|$)/i.test(type);
  if (route.kind === 'page') return isForm;
  return route.kind === 'callback' || !isForm;
}

function keyOf({ method, path: pattern }: Route): string {
  return `${method} ${pattern}`;
}

function addRoute(app: FastifyInstance, kit: Kit, route: Route, contexts: Contexts): void {
  kit.routes.set(keyOf(route), route);
  app.route({
    method: route.method,
    url: route.path,
    bodyLimit: route.bodyBytesMax ?? BODY_BYTES_MAX,
    exposeHeadRoute: route.method === 'GET' && route.kind !== 'events',
    config: { tocsin: route },
    handler: async (request, reply) =>
      await serve(exchangeOf(kit, contexts, request, reply), kit.routes.get(keyOf(route))!),
  });
}

function addAssets(app: FastifyInstance, kit: Kit): void {
  app.get<{ Params: { hash: string; '*': string } }>('/assets/:hash/*', (request, reply) => {
    const asset = kit.assets.find(request.params['*']);
    if (asset === undefined) return reply.callNotFound();
    const encoding = chooseEncoding(request.headers['accept-encoding']);
    const etag = `"${asset.hash}-${encoding}"`;
    // A page of the release before asks for the old hash: it gets this one, but does not keep it.
    const isCurrent = request.params.hash === asset.hash;
    reply
      .header('cache-control', isCurrent ? 'public, max-age=31536000, immutable' : 'no-cache')
      .headers({ etag, vary: 'accept-encoding' });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    if (encoding !== 'identity') reply.header('content-encoding', encoding);
    return reply.type(asset.type).send(asset.bodies[encoding]);
  });
}

function addErrors(
  app: FastifyInstance,
  kit: Kit,
  routes: readonly Route[],
  contexts: Contexts,
): void {
  const patterns = routes.map(({ method, path }) => ({
    method,
    matches: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}/?$`),
  }));
  app.setNotFoundHandler(async (request, reply) => {
    const exchange = exchangeOf(kit, contexts, request, reply);
    // The page of a known person, so that no route and no right to see look alike.
    if (!exchange.forPrograms) await identify(kit, exchange.context, request, 'cookie');
    const here = request.url.split('?')[0] ?? '/';
    const allowed = patterns.filter(({ matches }) => matches.test(here)).map((p) => p.method);
    if (allowed.length === 0) return sendProblemSafely(exchange, notFoundProblem);
    reply.header('allow', [...new Set(allowed)].join(', '));
    return sendProblemSafely(exchange, statusProblem(405));
  });
  app.setErrorHandler((error, request, reply) => {
    const exchange = exchangeOf(kit, contexts, request, reply);
    const status = thrownStatus(error);
    if (status >= 500) {
      const route = request.routeOptions.url ?? '/';
      kit.options.log.error('web.fault', {
        requestId: exchange.context.id,
        method: request.method,
        route,
        status,
        error,
      });
    }
    // A provider's callback of another kind is malformed like any other that is not our JSON.
    const isCallback = request.routeOptions.config.tocsin?.kind === 'callback';
    return sendProblemSafely(exchange, statusProblem(isCallback && status === 415 ? 400 : status));
  });
}

/**
 * HTTP to a provider, with the one thing that no client tells: whether the provider may have the
 * request. An interceptor marks the moment a connected socket takes it; before it a failure means
 * "not sent", after it "unknown". Nothing is ever repeated here.
 */
import { isIPv4 } from 'node:net';
import { EnvHttpProxyAgent, Pool, type Dispatcher } from 'undici';

/** The longest waits of one request, in ms. */
export type HttpWaits = {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly bodyMs: number;
};

export type Answer = {
  readonly status: number;
  /** The body as JSON; undefined where it is none, or broke off. */
  readonly body: unknown;
};

/** Where a request is: `mayStart` is asked when a socket takes it, `started` says that one did. */
export type Mark = { started: boolean; readonly mayStart: () => boolean };

export type Request = {
  readonly method: 'GET' | 'POST';
  /** Below the base URL, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly mark?: Mark;
  readonly signal: AbortSignal;
};

export type ProviderHttp = {
  request(request: Request): Promise<Answer>;
  close(): Promise<void>;
};

/** The way out of this network: proxies by the scheme of the request, and who needs none. */
export type Network = {
  readonly httpsProxy?: string | undefined;
  readonly httpProxy?: string | undefined;
  /** As in `NO_PROXY`: names, suffixes, ports. */
  readonly noProxy?: string | undefined;
};

export type HttpOptions = {
  readonly baseUrl: string;
  readonly connections: number;
  readonly waits: HttpWaits;
  readonly network?: Network | undefined;
};

/** Below the idle limit of common load balancers: a stale socket is the commonest reset. */
const KEEP_ALIVE_MS = 4_000;

export function openHttp(options: HttpOptions): ProviderHttp {
  const url = new URL(options.baseUrl);
  const { origin } = url;
  const root = url.pathname.replace(/\/$/, '');
  const dispatcher = openDispatcher(url, options).compose(track);
  return {
    async request({ path, ...request }) {
      const asked = dispatcher.request({ ...request, origin, path: root + path });
      const { statusCode, body } = await Promise.race([asked, waitsTooLong(request)]);
      let text = '';
      try {
        text = await body.text();
      } catch {
        // The status is known and decides; without a body a 201 is unreadable, so unknown.
      }
      return { status: statusCode, body: parseJson(text) };
    },
    close: () => dispatcher.close(),
  };
}

function openDispatcher(url: URL, { connections, waits, network = {} }: HttpOptions): Dispatcher {
  const settings = {
    connections,
    pipelining: 1,
    connect: { timeout: waits.connectMs },
    headersTimeout: waits.headersMs,
    bodyTimeout: waits.bodyMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  };
  const proxy = url.protocol === 'https:' ? network.httpsProxy : network.httpProxy;
  // A simulator on this machine is no business of a proxy.
  if (proxy === undefined || isLoopback(url.hostname)) return new Pool(url.origin, settings);
  return new EnvHttpProxyAgent({
    ...settings,
    // Both given, or the library would look for them in the environment.
    httpsProxy: proxy,
    httpProxy: proxy,
    noProxy: network.noProxy ?? '',
    // Of TLS inside the tunnel, and of the proxy's answer to CONNECT: its own limit is 5 minutes.
    connectTimeout: waits.connectMs,
    clientFactory: (origin: URL, given: object) =>
      new Pool(origin, { ...given, headersTimeout: waits.connectMs }),
  });
}

/** True for a name or address of this machine. */
export function isLoopback(hostname: string): boolean {
  const isLocal = isIPv4(hostname) && hostname.startsWith('127.');
  return isLocal || ['localhost', '[::1]'].includes(hostname);
}

/**
 * Rejects when the deadline ends while no socket has the request: the library hears an abort only
 * on a connected request, and a proxy may keep it waiting. The interceptor lets it leave no more.
 */
function waitsTooLong({ mark, signal }: Pick<Request, 'mark' | 'signal'>): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      if (mark?.started !== true) reject(new Error('not connected in time'));
    });
  });
}

/**
 * Marks the request as started when a connected socket takes it, or stops it there: measured, a
 * worker that was frozen past its lease sent what had waited for a connection inside the pool.
 */
const track: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
  dispatch(
    options,
    new Proxy(handler, {
      get(target, property: keyof Dispatcher.DispatchHandler) {
        const value = target[property];
        if (typeof value !== 'function') return value;
        if (property !== 'onRequestStart') return value.bind(target);
        return (...parameters: unknown[]) => {
          const { mark, signal } = options as Partial<Request>;
          if (signal?.aborted || mark?.mayStart() === false) {
            const [controller] = parameters as [Dispatcher.DispatchController];
            controller.abort(Object.assign(new Error('too late'), { code: 'too_late' }));
            return undefined;
          }
          if (mark) mark.started = true;
          return Reflect.apply(value, target, parameters) as unknown;
        };
      },
    }),
  );

/**
 * A limit over several steps. Not `AbortSignal.timeout`: that cannot be taken back, so each request
 * stayed in memory for all of its 30 s.
 */
export function deadlineIn(timeoutMs: number): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

/** The code of an error of the client; never its message, which may hold an address. */
export function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'no_code';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The record that every slice exports as a list from its `routes.ts`. A route says who may come,
 * what it understands and what it answers; the server does the rest, so that no handler can forget
 * a session, a header or an error page. Guards and the OpenAPI document read the same list.
 */
import type { z } from 'zod';
import type { Actor, Permission } from '#kernel/actor.ts';
import type { Reply } from './replies.ts';

/**
 * Who may come: `public` anybody; `nobody` anybody too, and no cookie is read, so that the page is
 * the same for all and caches may keep it; `signed-in` any person; a permission: whoever holds it;
 * `contact`: a contact by a code, with a cookie of its own; `callback`: a program whose proof (a
 * bearer token of the gateway) the handler itself checks.
 */
export type Access =
  | 'public'
  | 'nobody'
  | 'signed-in'
  | 'contact'
  | 'callback'
  | Permission
  | OneOf;

/** Whoever holds one of them; what each may do then, the verb decides. */
export type OneOf = readonly [Permission, ...Permission[]];

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What was posted, as it was typed. A name given twice (check boxes) holds a list. */
export type Form = Readonly<Record<string, string | string[]>>;

export type Upload = { readonly name: string; readonly type: string; readonly bytes: Uint8Array };

/** A living sign-in, as `sessions.findSession` returns it. */
export type Session = {
  readonly id: string;
  readonly actor: Actor;
  /** Shown in the top bar. */
  readonly name: string;
  readonly expiresAt: Date;
  /** Held, and not among those of `actor` until the person proves to be it; absent: none. */
  readonly locked?: ReadonlySet<Permission>;
  /** False where the proof is too old for what is dangerous. */
  readonly isFresh?: boolean;
};

export type WebRequest<Params = Record<string, string>, Query = Form, Body = unknown> = {
  /** Printed on error pages and in the log, so that one finds the other. */
  readonly id: string;
  readonly actor: Actor;
  readonly session: Session | undefined;
  /** Of this browser, where it was sent to another site; it names nobody. */
  readonly ticket: string | undefined;
  readonly params: Params;
  readonly query: Query;
  /** The JSON body, parsed by `body` where the route has one. */
  readonly body: Body;
  /** The posted form of a page, raw: the slice's `parse.ts` gives it back with its errors. */
  readonly form: Form;
  readonly files: Readonly<Record<string, Upload>>;
  /** The body as it came, for signatures over it; '' for multi-part. */
  readonly rawBody: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Path with query, of this site. Never log it: it may hold a token. */
  readonly path: string;
  readonly now: Date;
  readonly ip: string;
  /** True where the caller is a program on this machine, with no proxy between. */
  readonly local: boolean;
};

export type ApiDoc = {
  readonly summary: string;
  /** Shape of the answer by status; the errors (problem details) are added for all. */
  readonly responses: Readonly<Record<number, z.ZodType>>;
};

export type Route = {
  readonly method: Method;
  /** `/alerts/:id`, as Fastify writes it. */
  readonly path: string;
  readonly access: Access;
  readonly kind: 'page' | 'api' | 'callback' | 'events';
  readonly params?: z.ZodType | undefined;
  readonly query?: z.ZodType | undefined;
  readonly body?: z.ZodType | undefined;
  readonly api?: ApiDoc | undefined;
  /** Dangerous: only for a session whose proof is fresh. */
  readonly fresh?: true | undefined;
  /** Largest body in bytes; 1 MiB unless told. Uploads need more. */
  readonly bodyBytesMax?: number | undefined;
  /** Requests that one network may make in a minute; more are told 429 before anything is read. */
  readonly perMinuteMax?: number | undefined;
  /** The same for one account or key: of what nobody needs a hundred of, such as whole numbers. */
  readonly perAccountMinuteMax?: number | undefined;
  handle(request: WebRequest): Promise<Reply>;
};

type Defined<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> = Omit<
  Route,
  'kind' | 'params' | 'query' | 'body' | 'handle'
> & {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  handle(request: WebRequest<z.output<P>, z.output<Q>, z.output<B>>): Promise<Reply>;
};

type AnyParams = z.ZodType<Record<string, string>>;
type AnyQuery = z.ZodType<Form>;

/** A page for people: HTML, cookies, same-site posts only. A bad parameter is a 404. */
export function page<P extends z.ZodType = AnyParams, Q extends z.ZodType = AnyQuery>(
  route: Omit<Defined<P, Q, z.ZodType<undefined>>, 'api' | 'body'>,
): Route {
  return { ...(route as unknown as Route), kind: 'page' };
}

/** A JSON door under `/api/v1`: bearer key, problem details, `Idempotency-Key` on POST. */
export function api<
  P extends z.ZodType = AnyParams,
  Q extends z.ZodType = AnyQuery,
  B extends z.ZodType = z.ZodType<undefined>,
>(route: Defined<P, Q, B> & { readonly api: ApiDoc }): Route {
  return { ...(route as unknown as Route), kind: 'api' };
}

/** A door for a provider. It sees no cookie; the handler checks the caller's own proof. */
export function callback<
  P extends z.ZodType = AnyParams,
  Q extends z.ZodType = AnyQuery,
  B extends z.ZodType = z.ZodType,
>(route: Omit<Defined<P, Q, B>, 'api' | 'access'>): Route {
  return { ...(route as unknown as Route), kind: 'callback', access: 'callback' };
}

/** A live stream (Server-Sent Events) for a page; see `events` in replies.ts. */
export function eventStream<P extends z.ZodType = AnyParams, Q extends z.ZodType = AnyQuery>(
  route: Omit<Defined<P, Q, z.ZodType<undefined>>, 'api' | 'body' | 'method'>,
): Route {
  return { ...(route as unknown as Route), kind: 'events', method: 'GET' };
}

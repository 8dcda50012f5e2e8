/** One request of one route, from admission to answer. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { actorId } from '#kernel/actor.ts';
import { refused, type FieldErrors, type Refused } from '#kernel/outcome.ts';
import { admission, lackingPermission } from './access.ts';
import { badRequest, bodyOf, findNul, postedBy, type ParsedBody } from './body.ts';
import {
  badKey,
  idempotencyEntry,
  otherBody,
  parseIdempotencyKey,
  unfinished,
} from './idempotency.ts';
import type { Context, Kit } from './kit.ts';
import { signedOutPage } from './pages.ts';
import { problem, proveIt, redirect, type Kept, type Reply } from './replies.ts';
import { forgetSession, respond, sendHtml, sendProblem, type Exchange } from './respond.ts';
import { proveFirst, signedOutUpload, statusProblem } from './problems.ts';
import type { Form, Route, WebRequest } from './route.ts';
import { isSafeMethod } from './same-site.ts';
import { fieldErrors, many } from './forms.ts';

export const SIGN_IN_PATH = '/sign-in';

/** Where contacts ask for a code. */
const CONTACT_SIGN_IN_PATH = '/your-details/sign-in';

/** True where the answer goes to a program, so that errors are problem details. */
export function isForPrograms(route: Route | undefined, path: string): boolean {
  if (route !== undefined) return route.kind === 'api' || route.kind === 'callback';
  return /^\/(api|callbacks)(\/|$)/.test(path);
}

/**
 * True where who asks decides before the body is read. A page keeps what was posted for after the
 * sign-in; but what is larger than a form would let any stranger fill the memory. A program is
 * told before it sends more.
 */
export function isAdmittedFirst(route: Route): boolean {
  return route.kind === 'api' || (route.kind === 'page' && route.bodyBytesMax !== undefined);
}

/** A form is read before anybody is asked who posts it: nobody may be there to say. */
export function isReadFirst(route: Route): boolean {
  return route.kind === 'page' && !isSafeMethod(route.method) && !isAdmittedFirst(route);
}

/** Undefined where the request may go on; else what was answered. */
export function turnAway(exchange: Exchange, route: Route): FastifyReply | undefined {
  const { context, request, reply } = exchange;
  const decision = admission(route, context.actor, context.session);
  if (decision === 'pass') return undefined;
  if (decision === 'prove') return askForProof(exchange, route);
  if (decision === 'forbidden') {
    const detail = `Your role does not allow this. ${lackingPermission(route.access)}`;
    // Perhaps typed by somebody else, whose session ended at this screen: nothing of it is lost.
    const kept = isSafeMethod(request.method) || isAdmittedFirst(route) ? [] : typedInto(request);
    return sendProblem(exchange, { status: 403, title: 'You cannot do this', detail, kept });
  }
  if (route.kind === 'api' || route.kind === 'events') {
    if (route.kind === 'api') reply.header('www-authenticate', 'Bearer realm="Tocsin"');
    return sendProblem(exchange, statusProblem(401));
  }
  const whose = route.access === 'contact' ? 'contact' : 'session';
  if (request.cookies[exchange.kit.cookies[whose]] !== undefined) forgetSession(exchange, whose);
  const signIn = whose === 'contact' ? CONTACT_SIGN_IN_PATH : SIGN_IN_PATH;
  if (isSafeMethod(request.method)) {
    const to = whose === 'contact' ? '' : `?to=${encodeURIComponent(request.url)}`;
    return respond(exchange, redirect(signIn + to));
  }
  // The body of an upload was not read, so there is nothing that this page could give back.
  if (isAdmittedFirst(route)) return sendProblem(exchange, signedOutUpload);
  return sendHtml(reply.code(401), signedOutPage(exchange.kit, context, postedBy(request), signIn));
}

function askForProof(exchange: Exchange, route: Route): FastifyReply {
  const isKept = isSafeMethod(exchange.request.method) || !isAdmittedFirst(route);
  if (route.kind !== 'page' || !isKept) return sendProblem(exchange, proveFirst);
  return respond(exchange, proveIt());
}

/** Ids, hashes, numbers and single words were not typed, or are quickly typed again. */
const WORTH_KEEPING = /\S\s+\S/;

/** What somebody wrote into the posted form, to be copied; labelled by the names of its fields. */
function typedInto(request: FastifyRequest): Kept[] {
  return Object.entries(bodyOf(request).form).flatMap(([name, value]) =>
    many(value)
      .filter((text) => WORTH_KEEPING.test(text))
      .map((text) => ({ label: wordsOf(name), text })),
  );
}

/** `doNow` as `Do now`. */
function wordsOf(name: string): string {
  const words = name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export async function serve(exchange: Exchange, route: Route): Promise<FastifyReply> {
  if (isReadFirst(route)) {
    const { kit, context, request } = exchange;
    await identify(kit, context, request, proofOf(route));
  }
  const away = turnAway(exchange, route);
  if (away !== undefined) return away;
  if (asksTooMuch(exchange, route)) {
    exchange.reply.header('retry-after', '60');
    return sendProblem(exchange, statusProblem(429));
  }
  const parsed = parseRequest(exchange, route);
  if (!('now' in parsed)) return respond(exchange, parsed);
  const key = exchange.request.headers['idempotency-key'];
  const store = exchange.kit.options.idempotency;
  if (typeof key === 'string' && route.kind === 'api' && route.method === 'POST' && store) {
    return await serveOnce(exchange, route, parsed, { key, store });
  }
  return respond(exchange, await route.handle(parsed));
}

/** Of an account that is known: a network may be a whole trust, and this one is who reads. */
function asksTooMuch({ kit, context }: Exchange, route: Route): boolean {
  const { perAccountMinuteMax: most, method, path } = route;
  if (most === undefined) return false;
  const asker = `${context.actor.kind} ${actorId(context.actor)}`;
  return !kit.crowd.admits(`${method} ${path}`, asker, { most, now: kit.now() });
}

type Once = { readonly key: string; readonly store: NonNullable<Kit['options']['idempotency']> };

async function serveOnce(
  exchange: Exchange,
  route: Route,
  parsed: WebRequest,
  once: Once,
): Promise<FastifyReply> {
  const key = parseIdempotencyKey(once.key);
  if (key === undefined) return respond(exchange, problem(badKey));
  const { request, reply } = exchange;
  const entry = idempotencyEntry(key, { ...parsed, method: request.method });
  const claimed = await once.store.claim(entry);
  switch (claimed.state) {
    case 'answered':
      reply.header('idempotency-replayed', 'true').code(claimed.answer.status);
      return reply.type('application/json').send(claimed.answer.body);
    case 'unfinished':
      return respond(exchange, problem(unfinished));
    case 'other-body':
      return respond(exchange, problem(otherBody));
    case 'new':
      break;
  }
  // A throw leaves the key claimed: whether the act was committed is not known here.
  const answer = await route.handle(parsed);
  if (answer.as === 'json') {
    const kept = { status: answer.status, body: JSON.stringify(answer.value) };
    await once.store.keep(entry, kept);
  } else await once.store.release(entry);
  return respond(exchange, answer);
}

/** The typed request, or the answer that says what could not be understood. */
function parseRequest(exchange: Exchange, route: Route): WebRequest | Reply {
  const { kit, context, request } = exchange;
  const body = bodyOf(request);
  if (findNul(request.params) !== undefined) return { as: 'not-found' };
  const params = parsePart(route.params, request.params);
  if (!params.ok) return { as: 'not-found' };
  const nulInQuery = findNul(request.query);
  if (nulInQuery !== undefined) {
    if (!exchange.forPrograms) throw badRequest('The query holds a NUL.');
    return refusal(route, withoutNul(nulInQuery));
  }
  const query = parsePart(route.query, request.query);
  if (!query.ok) return refusal(route, query.fields);
  const json = route.kind === 'page' ? undefined : body.json;
  const parsedBody = parsePart(route.body, json);
  if (!parsedBody.ok) return refusal(route, parsedBody.fields);
  const nulInBody = route.kind === 'api' ? nulInJson(body) : undefined;
  if (nulInBody !== undefined) return refusal(route, withoutNul(nulInBody));
  return {
    id: context.id,
    actor: context.actor,
    session: context.session,
    ticket: request.cookies[kit.cookies.ticket],
    params: params.value as Record<string, string>,
    query: query.value as Form,
    body: parsedBody.value,
    form: body.form,
    files: body.files,
    rawBody: body.raw,
    headers: request.headers as Record<string, string | undefined>,
    path: request.url,
    now: kit.now(),
    ip: request.ip,
    local: isLocal(request),
  };
}

function withoutNul(at: string): FieldErrors {
  return { [at]: 'Leave out the character U+0000' };
}

/**
 * Only of programs with a key: a gateway's callback reads its own body. Looks only where the text
 * names one: it has to be escaped in JSON (RFC 8259, section 7).
 */
function nulInJson({ raw, json }: ParsedBody): string | undefined {
  return raw.includes('\\u0000') ? findNul(json) : undefined;
}

type Part = { ok: true; value: unknown } | { ok: false; fields: FieldErrors };

function parsePart(schema: z.ZodType | undefined, input: unknown): Part {
  if (schema === undefined) return { ok: true, value: input };
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, fields: fieldErrors(result.error) };
}

function refusal(route: Route, fields: FieldErrors): Reply {
  const words: Refused = refused('invalid', 'The request was not understood.', fields);
  return { as: route.kind === 'page' ? 'refused-page' : 'problem', refused: words };
}

function isLocal(request: FastifyRequest): boolean {
  const { headers } = request;
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  return /^(::1|(::ffff:)?127(\.\d+){3})$/.test(request.socket.remoteAddress ?? '');
}

/** `cookie`: of a person; `contact`: the cookie of a contact. */
type Proof = 'cookie' | 'contact' | 'bearer' | 'none';

/** How a caller of this route says who it is. */
export function proofOf(route: Route): Proof {
  if (route.kind === 'api') return 'bearer';
  if (route.access === 'contact') return 'contact';
  if (route.access === 'nobody') return 'none';
  return route.kind === 'callback' ? 'none' : 'cookie';
}

/** Finds out who asks: by a cookie on pages, by a bearer key on the API. */
export async function identify(
  kit: Kit,
  context: Context,
  request: FastifyRequest,
  proof: Proof,
): Promise<void> {
  const { sessions, contactSessions, apiKeys } = kit.options;
  if (proof === 'bearer') {
    const secret = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(request.headers.authorization ?? '')?.[1];
    if (secret === undefined) return;
    context.actor = (await apiKeys.findApiKey(secret, kit.now())) ?? context.actor;
  }
  if (proof === 'cookie' || proof === 'contact') {
    const isContact = proof === 'contact';
    const token = request.cookies[isContact ? kit.cookies.contact : kit.cookies.session];
    if (token === undefined || token.length > 200) return;
    const kept = isContact ? contactSessions : sessions;
    context.session = await kept?.findSession(token, kit.now());
    context.actor = context.session?.actor ?? context.actor;
  }
}

/** Turns a handler's Reply into HTTP: the only place that writes answers. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { chooseEncoding, takesGzip } from './assets.ts';
import { openStream } from './event-stream.ts';
import { drawEvent } from './fragments.ts';
import { postedBy } from './body.ts';
import type { Context, Kit } from './kit.ts';
import { actorId, nobody, readsUpTo } from '#kernel/actor.ts';
import { lastResortPage, problemPage, provePage, renderPage, type PageFrame } from './pages.ts';
import {
  notFoundProblem,
  problemDetails,
  refusedProblem,
  statusProblem,
  type Problem,
} from './problems.ts';
import type { Reply, SessionChange } from './replies.ts';
import type { Session } from './route.ts';
import { isBegunByVisitor, isSafeMethod, sameSitePath } from './same-site.ts';

/** More tabs than anybody looks at; each holds a source that asks the database. */
const STREAMS_MAX = 20;

const HTML = 'text/html; charset=utf-8';

export type Exchange = {
  readonly kit: Kit;
  readonly context: Context;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** True for doors of programs: problem details instead of pages. */
  readonly forPrograms: boolean;
};

export function respond(exchange: Exchange, answer: Reply): FastifyReply {
  const { reply } = exchange;
  switch (answer.as) {
    case 'view':
      return sendView(exchange, answer);
    case 'redirect':
      changeSession(exchange, answer.session);
      if (answer.notice !== undefined) setNotice(exchange, answer.notice);
      return reply.redirect(sameSitePath(answer.to), 303);
    case 'json':
      changeSession(exchange, answer.session);
      if (answer.location !== undefined) reply.header('location', answer.location);
      return reply.code(answer.status).type('application/json').send(JSON.stringify(answer.value));
    case 'problem':
      return sendProblem(exchange, refusedProblem(answer.refused));
    case 'refused-page':
      return sendProblem(exchange, { ...refusedProblem(answer.refused), kept: answer.kept ?? [] });
    case 'prove':
      return sendToProof(exchange);
    case 'not-found':
      return sendProblem(exchange, notFoundProblem);
    case 'too-many':
      reply.header('retry-after', String(answer.retryAfterSeconds));
      return sendProblem(exchange, statusProblem(429));
    case 'events':
      return sendEvents(exchange, answer);
    case 'file':
      return sendFile(exchange, answer);
    case 'text':
      reply.code(answer.status).type(answer.type);
      return answer.publicForSeconds > 0 ? sendPublic(exchange, answer) : reply.send(answer.body);
    default:
      return answer satisfies never;
  }
}

/** Where somebody signed in proves to be it. */
const PROVE_PATH = '/passkey';

function sendToProof({ kit, context, request, reply }: Exchange): FastifyReply {
  if (isSafeMethod(request.method))
    return reply.redirect(`${PROVE_PATH}?to=${encodeURIComponent(request.url)}`, 303);
  return sendHtml(reply.code(403), provePage(kit, context, postedBy(request), PROVE_PATH));
}

export function sendProblem(exchange: Exchange, problem: Problem): FastifyReply {
  const { kit, context, request, reply, forPrograms } = exchange;
  reply.code(problem.status);
  if (problem.status === 503) reply.header('retry-after', '30');
  if (forPrograms) {
    const body = JSON.stringify(problemDetails(problem, context.id));
    return reply.type('application/problem+json').send(body);
  }
  // Not the fault of what was posted: it may be sent again as it is.
  const again = problem.status >= 500 && !isSafeMethod(request.method);
  const said = again ? { ...problem, posted: postedBy(request) } : problem;
  return sendHtml(reply, problemPage(kit, context, { path: request.url }, said));
}

/** As `sendProblem`, but never fails: for errors inside errors. */
export function sendProblemSafely(exchange: Exchange, problem: Problem): FastifyReply {
  try {
    return sendProblem(exchange, problem);
  } catch {
    return sendHtml(exchange.reply.code(500), lastResortPage);
  }
}

export function sendHtml(reply: FastifyReply, html: string): FastifyReply {
  return reply.type(HTML).send(html);
}

function sendView(exchange: Exchange, answer: Reply & { as: 'view' }): FastifyReply {
  const { kit, context, request, reply } = exchange;
  changeSession(exchange, answer.session);
  reply.code(answer.status);
  if (answer.publicForSeconds > 0) {
    const visitor = { nonce: context.nonce, session: undefined, actor: nobody };
    // To the minute: until it is over, the page and its tag stay as they are.
    const now = new Date(Math.floor(kit.now().getTime() / 60_000) * 60_000);
    const body = renderPage(kit, visitor, { path: request.url, now }, answer);
    reply.type(HTML);
    return sendPublic(exchange, { body, publicForSeconds: answer.publicForSeconds });
  }
  const notice = takeNotice(exchange);
  const frame: PageFrame = { path: request.url, ...(notice !== undefined && { notice }) };
  return sendOwn(exchange, renderPage(kit, context, frame, answer));
}

/**
 * What one visitor alone may read. Its size tells of its words once it is compressed, and whoever
 * makes a browser ask again and again with words of theirs can guess the rest (BREACH): so it goes
 * compressed only to a visit that no other site began.
 */
function sendOwn({ request, reply }: Exchange, html: string): FastifyReply {
  const encoding = isBegunByVisitor(request.headers['sec-fetch-site'])
    ? chooseEncoding(request.headers['accept-encoding'])
    : 'identity';
  reply.header('vary', 'accept-encoding, sec-fetch-site').type(HTML);
  if (encoding !== 'identity') reply.header('content-encoding', encoding);
  return reply.send(compressions[encoding](html));
}

const compressions = {
  br: (body: string) =>
    brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: (body: string) => gzipSync(body),
  identity: (body: string) => body,
} as const;

/**
 * What is the same for everybody: kept by shared caches, and small. A browser asks again by its
 * tag: somebody reads a page anew because they heard that it was withdrawn.
 */
function sendPublic(
  { request, reply }: Exchange,
  { body, publicForSeconds }: { readonly body: string; readonly publicForSeconds: number },
): FastifyReply {
  const encoding = chooseEncoding(request.headers['accept-encoding']);
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  const etag = `"${hash}-${encoding}"`;
  const cached = `public, max-age=0, s-maxage=${publicForSeconds}`;
  reply.headers({ etag, vary: 'accept-encoding', 'cache-control': cached });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  if (encoding !== 'identity') reply.header('content-encoding', encoding);
  return reply.send(compressions[encoding](body));
}

function sendEvents(exchange: Exchange, answer: Reply & { as: 'events' }): FastifyReply {
  const { kit, context, reply } = exchange;
  const holder = context.session?.id ?? exchange.request.ip;
  const held = kit.streams.get(holder) ?? 0;
  if (held >= STREAMS_MAX) {
    reply.header('retry-after', '30');
    return sendProblem(exchange, statusProblem(429));
  }
  kit.streams.set(holder, held + 1);
  reply.type('text/event-stream; charset=utf-8').header('x-accel-buffering', 'no');
  const gzip = takesGzip(exchange.request.headers['accept-encoding']);
  if (gzip) reply.header('content-encoding', 'gzip');
  const stream = openStream({
    gzip,
    source: answer.source,
    closing: kit.closing,
    isWelcome: () => isStillWelcome(exchange),
    ...(kit.options.streamBeatMs !== undefined && { beatMs: kit.options.streamBeatMs }),
    draw: (event) => drawEvent(kit, event),
    onError: (error) => kit.options.log.error('web.stream_broke', { requestId: context.id, error }),
  });
  stream.once('close', () => {
    const rest = (kit.streams.get(holder) ?? 1) - 1;
    if (rest > 0) kit.streams.set(holder, rest);
    else kit.streams.delete(holder);
  });
  return reply.send(stream);
}

/**
 * Whether the session of a stream lives and allows what it allowed at the beginning. The source was
 * made for those rights: with others, more or fewer, the browser connects anew.
 */
async function isStillWelcome({ kit, context, request }: Exchange): Promise<boolean> {
  if (context.session === undefined) return true;
  const token = request.cookies[kit.cookies.session] ?? '';
  const session = await kit.options.sessions.findSession(token, kit.now());
  return session !== undefined && rightsOf(session) === rightsOf(context.session);
}

function rightsOf({ actor }: Session): string {
  const permissions = 'permissions' in actor ? [...actor.permissions] : [];
  return [actorId(actor), readsUpTo(actor), ...permissions.toSorted()].join(' ');
}

function sendFile(exchange: Exchange, answer: Reply & { as: 'file' }): FastifyReply {
  const plain = answer.name.replaceAll(/[^A-Za-z0-9._ -]/g, '_');
  const encoded = encodeURIComponent(answer.name).replaceAll("'", '%27');
  const how = answer.inline ? 'inline' : 'attachment';
  return exchange.reply
    .type(answer.type)
    .header('content-disposition', `${how}; filename="${plain}"; filename*=UTF-8''${encoded}`)
    .send(
      typeof answer.body === 'string' || answer.body instanceof Uint8Array
        ? answer.body
        : Readable.from(answer.body),
    );
}

function cookieOptions(kit: Kit) {
  const secure = kit.options.origin.startsWith('https:');
  return { path: '/', httpOnly: true, secure, sameSite: 'lax' } as const;
}

function changeSession(exchange: Exchange, change: SessionChange | undefined): void {
  if (change === undefined) return;
  if (change === 'end' || change === 'end-contact') {
    forgetSession(exchange, change === 'end' ? 'session' : 'contact');
    exchange.reply.header('clear-site-data', '"cache", "storage"');
    return;
  }
  const { kit, reply } = exchange;
  const options = { ...cookieOptions(kit), maxAge: change.maxAgeSeconds };
  reply.setCookie(kit.cookies[change.of ?? 'session'], change.start, options);
}

export function forgetSession({ kit, reply }: Exchange, whose: 'session' | 'contact'): void {
  reply.clearCookie(kit.cookies[whose], cookieOptions(kit));
}

/** In a cookie, not in the address: a link passed on must not repeat “Sent”. */
function setNotice({ kit, reply }: Exchange, notice: string): void {
  const value = Buffer.from(notice.slice(0, 500)).toString('base64url');
  reply.setCookie(kit.cookies.notice, value, { ...cookieOptions(kit), maxAge: 120 });
}

function takeNotice({ kit, request, reply }: Exchange): string | undefined {
  const value = request.cookies[kit.cookies.notice];
  if (value === undefined) return undefined;
  reply.clearCookie(kit.cookies.notice, cookieOptions(kit));
  return Buffer.from(value, 'base64url').toString('utf8');
}

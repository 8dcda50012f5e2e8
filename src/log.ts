/**
 * The log. It holds fields of an allow-list and nothing else (P12): each field has a form, a value
 * of another form is dropped, and so is every unknown field, with a count of what was dropped. A
 * list of what to hide was rejected: it knows only the leaks somebody has thought of.
 *
 * Errors become name, code, constraint and the first place in our own source. Never their message:
 * PostgreSQL writes the offending row into it (class 23), and so do parsers and providers.
 *
 * Levels are a contract: error wakes somebody, warn is looked at in the morning, info is the story
 * of the day, debug is for the one who reads it now.
 */
import { pino, stdTimeFunctions, type DestinationStream } from 'pino';

type Form = (value: unknown) => boolean;

/** A name of ours: words, perhaps with a short number at the end. No room for a token. */
const word = pattern(/^(?=.{1,60}$)[a-z]+(?:[._-][a-z]+)*(?:-\d{1,3})?$/);
const uuid = pattern(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
/** Below a thousand million: no telephone number is that short with its country. */
const number: Form = (value) =>
  typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 1e9;

const forms = {
  alertId: uuid,
  dispatchId: uuid,
  messageId: uuid,
  organisationId: uuid,
  personId: uuid,
  keyId: uuid,
  requestId: uuid,
  jobId: number,
  attempts: number,
  bytes: number,
  connections: number,
  count: number,
  durationMs: number,
  epoch: number,
  lane: number,
  lookups: number,
  pid: number,
  port: number,
  round: number,
  status: number,
  waitMs: number,
  channel: word,
  command: word,
  gateway: word,
  kind: word,
  outcome: word,
  part: word,
  reason: word,
  slice: word,
  state: word,
  task: word,
  method: pattern(/^[A-Z]{3,7}$/),
  /** The path of the route record, `/alerts/:id`: never the path that was asked for. */
  route: pattern(/^(?=.{1,120}$)\/(?:(?:v\d|:[a-zA-Z]+|[a-z_-]+(?:\.[a-z]+)?)(?:\/|$))*$/),
  signal: pattern(/^SIG[A-Z0-9]{2,8}$/),
  version: pattern(/^\d{1,3}\.\d{1,3}\.\d{1,3}(?:-[a-z]{1,12})?$/),
} as const satisfies Record<string, Form>;

export type LogFields = {
  readonly [Name in keyof typeof forms]?: string | number | undefined;
} & { readonly error?: unknown };

export type Log = {
  /** `event` is a name such as `dispatch.batch_settled`, never a sentence with values in it. */
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log that adds these fields to every line. */
  with(fields: LogFields): Log;
};

export type LogOptions = {
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Standard output unless told; tests pass their own. */
  readonly destination?: DestinationStream;
};

/** One line of JSON for each event. */
export function createLog(options: LogOptions = {}): Log {
  const settings = {
    level: options.level ?? 'info',
    // Neither process nor host: whoever collects the lines knows them.
    base: null,
    messageKey: 'event',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const { destination } = options;
  const sink = destination === undefined ? pino(settings) : pino(settings, destination);
  const logWith = (common: LogFields): Log => {
    const write =
      (level: 'debug' | 'info' | 'warn' | 'error') =>
      (event: string, fields = {}) => {
        if (!sink.isLevelEnabled(level)) return;
        sink[level](safeFields({ ...common, ...fields }), word(event) ? event : 'log.unsafe_event');
      };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      with: (fields) => logWith({ ...common, ...fields }),
    };
  };
  return logWith({});
}

function safeFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  let dropped = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (name === 'error') safe['error'] = safeError(value);
    else if (Object.hasOwn(forms, name) && forms[name as keyof typeof forms](value)) {
      safe[name] = value;
    } else dropped++;
  }
  return dropped > 0 ? { ...safe, dropped } : safe;
}

const errorForms = {
  // `error` is the name of PostgreSQL's.
  name: pattern(/^(?:error|[A-Z][A-Za-z]{2,40})$/),
  // SQLSTATE, Node's and undici's.
  code: pattern(/^(?:[0-9A-Z]{5}|E[A-Z]{2,20}|(?:UND_)?ERR_[A-Z0-9_]{2,40})$/),
  constraint: pattern(/^(?=.{1,63}$)[a-z]+\d{0,3}(?:_[a-z]+\d{0,3})*$/),
} as const satisfies Record<string, Form>;

/** Sentences of the database driver that come without a code, and what they are called here. */
const driverSentences: ReadonlyMap<unknown, string> = new Map([
  ['Query read timeout', 'no_answer'],
  ['Connection terminated', 'connection_lost'],
  ['Connection terminated unexpectedly', 'connection_lost'],
  ['Connection terminated due to connection timeout', 'connect_timeout'],
  ['Client has encountered a connection error and is not queryable', 'connection_lost_before'],
  ['timeout exceeded when trying to connect', 'no_free_connection'],
]);

/** What may be said of an error, with its causes: at most three. */
export function safeError(error: unknown, depth = 0): Record<string, unknown> {
  if (typeof error !== 'object' || error === null) return { name: typeof error };
  const safe: Record<string, unknown> = {};
  for (const [field, form] of Object.entries(errorForms)) {
    const value: unknown = Reflect.get(error, field);
    if (form(value)) safe[field] = value;
  }
  const says = driverSentences.get(Reflect.get(error, 'message'));
  if (says !== undefined) safe['says'] = says;
  const where = placeIn(error);
  if (where !== undefined) safe['where'] = where;
  const cause: unknown = Reflect.get(error, 'cause');
  if (cause !== undefined && depth < 2) safe['cause'] = safeError(cause, depth + 1);
  return safe;
}

const PLACE = /^ {4}at .*\/(src(?:\/[a-z-]+){1,5}\.ts:\d{1,5}):\d{1,5}\)?$/m;

/** The first line of our own source in the stack, past the message, which may look like one. */
function placeIn(error: object): string | undefined {
  const [stack, message]: unknown[] = [Reflect.get(error, 'stack'), Reflect.get(error, 'message')];
  if (typeof stack !== 'string' || typeof message !== 'string') return undefined;
  const start = stack.indexOf(message);
  return start < 0 ? undefined : PLACE.exec(stack.slice(start + message.length))?.[1];
}

function pattern(form: RegExp): Form {
  return (value) => typeof value === 'string' && form.test(value);
}

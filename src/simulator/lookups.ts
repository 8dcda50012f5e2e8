import { type Answer, SchemaError, badRequest, json } from './answers.ts';
import type { Caller } from './auth.ts';
import { type Notification, serialiseNotification } from './notifications.ts';
import type { Personalisation } from './personalisation.ts';
import { pythonRepr } from './python-text.ts';
import { isLooseUuid, normaliseUuid, unexpected, unquote } from './request-schema.ts';
import type { Simulation } from './simulation.ts';
import { previewTemplate, serialiseTemplate } from './templates.ts';
import { formatTimestamp } from './timestamps.ts';

/** What a read of the API knows. */
export type LookUp = {
  readonly simulation: Simulation;
  readonly caller: Caller;
  readonly origin: string;
  readonly query: URLSearchParams;
  /** The variable parts of the path. */
  readonly parameters: readonly string[];
  readonly body: string;
  readonly visibleBefore: number;
};

const FAILURES = [
  'technical-failure',
  'temporary-failure',
  'permanent-failure',
  'validation-failed',
  'virus-scan-failed',
  'returned-letter',
];
const STATUSES = [
  ...FAILURES,
  ...'cancelled created sending sent delivered pending failed accepted received'.split(' '),
  'pending-virus-check',
];
const CHANNELS = ['email', 'sms', 'letter'];
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  failed: FAILURES,
  accepted: ['created', 'sending'],
  received: ['delivered'],
};

/** Any key of the service may read any row by id, whatever its type. */
export function getNotification({ simulation, parameters, origin, visibleBefore }: LookUp): Answer {
  const id = pathId(parameters[0]!, 'notification_id');
  return json(200, serialiseNotification(simulation.notifications.get(id, visibleBefore), origin));
}

export function getPdf({ simulation, parameters, visibleBefore }: LookUp): Answer {
  simulation.notifications.get(pathId(parameters[0]!, 'notification_id'), visibleBefore);
  throw badRequest('Notification is not a letter');
}

export function listNotifications(lookUp: LookUp): Answer {
  const { simulation, caller, query, origin, visibleBefore } = lookUp;
  checkListQuery(query);
  const statuses = query.getAll('status').flatMap((status) => GROUPS[status] ?? [status]);
  const channels = query.getAll('template_type');
  const olderThan = query.get('older_than');
  const page = simulation.notifications.list({
    keyType: caller.keyType,
    channels: channels.length === 0 ? null : new Set(channels),
    statuses: statuses.length === 0 ? null : new Set(statuses),
    reference: query.get('reference'),
    olderThan: olderThan === null ? null : normaliseUuid(olderThan),
    visibleBefore,
  });
  return json(200, {
    notifications: page.map((row) => serialiseNotification(row, origin)),
    links: links(`${origin}/v2/notifications`, query, page),
  });
}

export function listReceivedTexts({ simulation, query, origin }: LookUp): Answer {
  checkQuery(query, { older_than: uuidFault });
  const olderThan = query.get('older_than');
  const page = simulation.handsets.listReceived(
    olderThan === null ? null : normaliseUuid(olderThan),
  );
  // Unlike the list of notifications, `current` never repeats the query.
  const all = links(`${origin}/v2/received-text-messages`, new URLSearchParams(), page);
  return json(200, {
    received_text_messages: page.map((text) => ({
      id: text.id,
      created_at: formatTimestamp(text.createdAt),
      service_id: simulation.settings.serviceId,
      notify_number: text.notifyNumber,
      user_number: text.userNumber,
      content: text.content,
    })),
    links: all,
  });
}

export function listTemplates({ simulation, query }: LookUp): Answer {
  checkQuery(query, { type: (value) => enumFault(value, ['sms', 'email', 'letter']) });
  return json(200, {
    templates: simulation.templates.list(query.get('type')).map(serialiseTemplate),
  });
}

export function getTemplate({ simulation, parameters }: LookUp): Answer {
  const id = pathId(parameters[0]!, 'id');
  const version = parameters[1] === undefined ? undefined : Number(parameters[1]);
  return json(200, serialiseTemplate(simulation.templates.get(id, version || undefined)));
}

export function postPreview({ simulation, parameters, body }: LookUp): Answer {
  const id = pathId(parameters[0]!, 'id');
  const personalisation = parsePreviewBody(body);
  return json(200, previewTemplate(simulation.templates.get(id), personalisation));
}

/** An empty body is fine here, and so are fields the schema does not know. */
function parsePreviewBody(body: string): Personalisation {
  if (body === '') return {};
  let decoded: unknown;
  try {
    decoded = JSON.parse(body);
  } catch {
    throw badRequest('Invalid JSON supplied in POST data');
  }
  const given = (decoded as Record<string, unknown> | null)?.['personalisation'];
  if (given === undefined) return {};
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) {
    return given as Personalisation;
  }
  throw new SchemaError([unquote(`personalisation ${pythonRepr(given)} is not of type object`)]);
}

function pathId(text: string, field: string): string {
  if (!isLooseUuid(text)) throw new SchemaError([`${field} is not a valid UUID`]);
  return normaliseUuid(text);
}

/** `next` is there whenever the page holds anything, so the end is an empty page without it. */
function links(
  url: string,
  query: URLSearchParams,
  page: readonly Pick<Notification, 'id'>[],
): { current: string; next?: string } {
  const withQuery = (parameters: URLSearchParams): string =>
    parameters.size === 0 ? url : `${url}?${parameters.toString()}`;
  const current = withQuery(query);
  const last = page.at(-1);
  if (last === undefined) return { current };
  const next = new URLSearchParams(query);
  next.set('older_than', last.id);
  return { current, next: withQuery(next) };
}

type QueryCheck = (value: string) => string | null;

function uuidFault(value: string): string | null {
  return isLooseUuid(value) ? null : 'is not a valid UUID';
}

function enumFault(value: string, allowed: readonly string[]): string | null {
  if (allowed.includes(value)) return null;
  return `${value} is not one of [${allowed.join(', ')}]`;
}

function checkListQuery(query: URLSearchParams): void {
  checkQuery(query, {
    reference: () => null,
    status: (value) => enumFault(value, STATUSES),
    template_type: (value) => enumFault(value, CHANNELS),
    include_jobs: (value) => enumFault(value, ['true', 'True']),
    older_than: uuidFault,
  });
}

/** @throws SchemaError with every fault of the query. */
function checkQuery(query: URLSearchParams, checks: Readonly<Record<string, QueryCheck>>): void {
  const faults: string[] = [];
  for (const [name, check] of Object.entries(checks)) {
    for (const value of query.getAll(name)) {
      const fault = check(value);
      if (fault !== null) faults.push(`${name} ${fault}`);
    }
  }
  const unknown = [...new Set(query.keys())].filter((name) => !(name in checks));
  if (unknown.length > 0) faults.push(unexpected(unknown));
  if (faults.length > 0) throw new SchemaError(faults);
}

/** What a handler answers: values, turned into HTTP in `respond.ts` alone. */
import type { Refusal, Refused } from '#kernel/outcome.ts';

/**
 * Whose: a person's unless told; a contact's is a cookie of its own, and so is the ticket of
 * somebody who is sent to another site and is to come back with it.
 */
export type SessionChange =
  | { readonly start: string; readonly maxAgeSeconds: number; readonly of?: 'contact' | 'ticket' }
  /** Forgets the cookie and what the browser stored. */
  | 'end'
  | 'end-contact';

/** One event of a stream. `name` is the region of the page that it fills. */
export type StreamEvent =
  | { readonly name: string; readonly template: string; readonly model: object }
  | { readonly name: string; readonly html: string };

/** Words somebody typed into a form that is not there any more, and what it called them. */
export type Kept = { readonly label: string; readonly text: string };

export type Reply =
  | {
      readonly as: 'view';
      readonly template: string;
      readonly model: object;
      readonly status: number;
      /** Rendered for nobody and kept by caches for so long; 0: never stored. */
      readonly publicForSeconds: number;
      readonly session?: SessionChange | undefined;
    }
  | {
      readonly as: 'redirect';
      readonly to: string;
      readonly notice?: string | undefined;
      readonly session?: SessionChange | undefined;
    }
  | {
      readonly as: 'json';
      readonly status: number;
      readonly value: unknown;
      readonly location?: string | undefined;
      readonly session?: SessionChange | undefined;
    }
  | { readonly as: 'problem'; readonly refused: Refused }
  | { readonly as: 'refused-page'; readonly refused: Refused; readonly kept?: readonly Kept[] }
  | { readonly as: 'prove' }
  | { readonly as: 'not-found' }
  | { readonly as: 'too-many'; readonly retryAfterSeconds: number }
  | {
      readonly as: 'events';
      readonly source: (signal: AbortSignal) => AsyncIterable<StreamEvent>;
    }
  | {
      readonly as: 'file';
      readonly name: string;
      readonly type: string;
      readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array>;
      /** Shown in the browser instead of saved: for text and images of our own making. */
      readonly inline: boolean;
    }
  | {
      readonly as: 'text';
      readonly status: number;
      readonly type: string;
      readonly body: string;
      /** As that of a page. */
      readonly publicForSeconds: number;
    };

/** A page: `view('alerts/list.njk', { alerts })`. A form that comes back has status 422. */
export function view(
  template: string,
  model: object,
  options: { status?: number; publicForSeconds?: number; session?: SessionChange } = {},
): Reply {
  return { as: 'view', template, model, status: 200, publicForSeconds: 0, ...options };
}

/** 303 to a path of this site. `notice` is shown once as a banner on the next page. */
export function redirect(
  to: string,
  options: { notice?: string; session?: SessionChange } = {},
): Reply {
  return { as: 'redirect', to, ...options };
}

/** `location` is the path of what a 201 made. */
export function json(
  status: number,
  value: unknown,
  options: { location?: string; session?: SessionChange } = {},
): Reply {
  return { as: 'json', status, value, ...options };
}

/** Problem details (RFC 9457) for an API: the status follows from the kind of refusal. */
export function problem(refused: Refused): Reply {
  return { as: 'problem', refused };
}

/**
 * A page that says why not. Forms come back by `view` with `formModel` instead; where the form has
 * gone, because what it was about moved on, `kept` gives back what was typed into it.
 */
export function refusedPage(refused: Refused, kept: readonly Kept[] = []): Reply {
  return { as: 'refused-page', refused, kept };
}

/** To the page of the passkey and back; what was posted is kept there, and goes on with it. */
export function proveIt(): Reply {
  return { as: 'prove' };
}

/** Absent and "not yours" alike (P8). */
export function notFound(): Reply {
  return { as: 'not-found' };
}

export function tooMany(retryAfterSeconds: number): Reply {
  return { as: 'too-many', retryAfterSeconds };
}

/**
 * A live stream. Give the whole state first: the browser comes back by itself after a break or
 * after sleep, and the server ends every stream after some minutes to ask for the session again.
 * Stop when `signal` aborts.
 */
export function events(source: (signal: AbortSignal) => AsyncIterable<StreamEvent>): Reply {
  return { as: 'events', source };
}

/** A download, such as a CSV. `name` is what the person's folder will show. */
export function file(
  name: string,
  type: string,
  body: string | Uint8Array | AsyncIterable<string | Uint8Array>,
  options: { inline?: boolean } = {},
): Reply {
  return { as: 'file', name, type, body, inline: false, ...options };
}

export function text(
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
  options: { publicForSeconds?: number } = {},
): Reply {
  return { as: 'text', status, type, body, publicForSeconds: 0, ...options };
}

/** Status and title of every refusal: the one mapping, and a missing one does not compile. */
const refusals = {
  invalid: { status: 422, title: 'Something needs to be put right' },
  not_found: { status: 404, title: 'Page not found' },
  forbidden: { status: 403, title: 'You cannot do this' },
  conflict: { status: 409, title: 'This has changed in the meantime' },
  unavailable: { status: 503, title: 'Not available at the moment' },
} as const satisfies Record<Refusal, { status: number; title: string }>;

export function refusalStatus(kind: Refusal): { status: number; title: string } {
  return refusals[kind];
}

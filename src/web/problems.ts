/** Everything that is not a proper answer: one table of words, as a page or as problem details. */
import { isDatabaseRefusal } from '#db/database.ts';
import type { FieldErrors, Refused } from '#kernel/outcome.ts';
import type { Posted } from './body.ts';
import { refusalStatus, type Kept } from './replies.ts';

export type Problem = {
  readonly status: number;
  readonly title: string;
  /** What happened and what to do next, for the person at the screen. */
  readonly detail: string;
  readonly fields?: FieldErrors;
  /** What was typed and not saved, to be copied: for pages only. */
  readonly kept?: readonly Kept[];
  /** What was posted, where it may be sent again as it was: for pages only. */
  readonly posted?: Posted;
};

export const notFoundProblem: Problem = {
  status: 404,
  title: 'Page not found',
  detail:
    'There is nothing at this address, or it is not open to you. ' +
    'Check the address, or begin at the first page.',
};

const STATUS_WORDS: Readonly<Record<number, Omit<Problem, 'status'>>> = {
  400: {
    title: 'The request was not understood',
    detail: 'Go back, load the page again and repeat what you did.',
  },
  401: { title: 'Sign in first', detail: 'This needs somebody signed in, or a bearer key.' },
  403: {
    title: 'This did not come from our own page',
    detail:
      'To protect you, Tocsin takes changes only from its own pages. ' +
      'Open the page here in Tocsin and do it there. Nothing was changed.',
  },
  405: { title: 'This cannot be done here', detail: 'The address exists, but not for this act.' },
  413: {
    title: 'Too large',
    detail: 'What you sent is larger than this page takes. Nothing was changed.',
  },
  414: { title: 'The address is too long', detail: 'Begin at the first page.' },
  415: {
    title: 'This format is not understood',
    detail: 'Pages take forms; the API takes application/json. Nothing was changed.',
  },
  429: {
    title: 'Too many attempts',
    detail: 'Wait a little, then try again. Nothing was changed.',
  },
  503: {
    title: 'Tocsin cannot answer at the moment',
    detail:
      'It cannot reach its database. Messages already handed over are not affected. ' +
      'Try again in a minute; if you were sending, look first whether it was done.',
  },
};

/** The same for programs, where the words for people would be about pages. */
const WORDS_FOR_PROGRAMS: Readonly<Record<number, Omit<Problem, 'status'>>> = {
  400: {
    title: 'Bad request',
    detail: 'The body is not JSON in UTF-8, or a part of the request is malformed.',
  },
  404: {
    title: 'Not found',
    detail: 'There is nothing at this address, or it is not open to this key.',
  },
  405: { title: 'Method not allowed', detail: 'The address exists, but not for this method.' },
  413: { title: 'Too large', detail: 'The body is larger than this address takes.' },
  415: { title: 'Unsupported media type', detail: 'Send application/json.' },
};

export const signedOutUpload: Problem = {
  status: 401,
  title: 'You were signed out',
  detail:
    'Your file was not taken, because your session had ended. ' +
    'Sign in, then choose the file again. Nothing was changed.',
};

export const proveFirst: Problem = {
  status: 403,
  title: 'Use your passkey first',
  detail:
    'This needs your passkey, used a moment ago. Sign out, sign in with it, and try again. ' +
    'Nothing was changed.',
};

const BROKEN: Omit<Problem, 'status'> = {
  title: 'Something went wrong',
  detail:
    'This is a fault of Tocsin, not of yours, and it was recorded. If you were changing ' +
    'something, look whether it was done before you repeat it.',
};

export function statusProblem(status: number): Problem {
  if (status === 404) return notFoundProblem;
  return { status, ...(STATUS_WORDS[status] ?? BROKEN) };
}

export function refusedProblem(refused: Refused): Problem {
  // The words for "not there" are always the same, whatever the slice says (P8).
  if (refused.kind === 'not_found') return notFoundProblem;
  return { ...refusalStatus(refused.kind), detail: refused.message, fields: refused.fields };
}

/** RFC 9457. `errors` names each refused field; `requestId` finds the line in the log. */
export function problemDetails(said: Problem, requestId: string): object {
  const isOurWording = said.detail === statusProblem(said.status).detail;
  const problem = { ...said, ...(isOurWording && WORDS_FOR_PROGRAMS[said.status]) };
  const errors = Object.entries(problem.fields ?? {}).map(([field, message]) => ({
    field,
    message,
  }));
  return {
    type: 'about:blank',
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    requestId,
    ...(errors.length > 0 && { errors }),
  };
}

/** The status for what was thrown: the framework's own 4xx, 503 without a database, else 500. */
export function thrownStatus(error: unknown): number {
  const declared = (error as { statusCode?: unknown }).statusCode;
  if (typeof declared === 'number' && declared >= 400 && declared < 500) return declared;
  return isUnreachable(error) ? 503 : 500;
}

/** A connection lost, refused or never made; any other "no" of the database is a fault of ours. */
function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '', syscall } = error as { code?: string; syscall?: string };
  if (syscall === 'connect' || code === '53300') return true;
  if (isDatabaseRefusal(error)) return false;
  return (
    /^(08|57P0|ECONNRESET|EPIPE)/.test(code) ||
    /^(Connection terminated|timeout exceeded when trying to connect)/.test(error.message)
  );
}

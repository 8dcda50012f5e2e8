/** What the API gives back: a status and a JSON body already as text. */
export type Answer = { readonly status: number; readonly body: string };

export type NotifyErrorType =
  | 'AuthError'
  | 'BadRequestError'
  | 'InvalidPhoneError'
  | 'NoResultFound'
  | 'RateLimitError'
  | 'TooManyRequestsError'
  | 'ValidationError';

/** A request refused with one error in the v2 shape. Thrown inside, caught by the router. */
export class NotifyError extends Error {
  readonly answer: Answer;

  constructor(status: number, type: NotifyErrorType, message: string) {
    super(message);
    this.answer = errorAnswer(status, [{ error: type, message }]);
  }
}

/** Every schema error of one request, in one answer (the live service reports all at once). */
export class SchemaError extends Error {
  readonly answer: Answer;

  constructor(messages: readonly string[]) {
    super(messages.join('; '));
    const unique = [...new Set(messages)];
    this.answer = errorAnswer(
      400,
      unique.map((message) => ({ error: 'ValidationError', message })),
    );
  }
}

export function badRequest(message: string): NotifyError {
  return new NotifyError(400, 'BadRequestError', message);
}

export function noResult(): NotifyError {
  return new NotifyError(404, 'NoResultFound', 'No result found');
}

export function json(status: number, value: unknown): Answer {
  return { status, body: JSON.stringify(value) };
}

export function errorAnswer(
  status: number,
  errors: readonly { error: string; message: string }[],
): Answer {
  return json(status, { status_code: status, errors });
}

/** Errors raised outside the v2 handlers keep an older shape (unknown URL, wrong method). */
export const unknownUrl: Answer = json(404, {
  result: 'error',
  message:
    '404 Not Found: The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.',
});

export const wrongMethod: Answer = json(405, {
  result: 'error',
  message: '405 Method Not Allowed: The method is not allowed for the requested URL.',
});

/**
 * Expected outcomes are values; only bugs throw. The list of refusals is closed, so that the web
 * kit can map each to one page and one status in one exhaustive switch (docs/status-codes.md).
 */
export type Refusal = 'invalid' | 'not_found' | 'forbidden' | 'conflict' | 'unavailable';

/** Why a field was refused, by field name; the empty name '' is about the whole input. */
export type FieldErrors = Readonly<Record<string, string>>;

export type Refused = {
  readonly ok: false;
  readonly kind: Refusal;
  /** One sentence for the person at the screen: what is wrong and what to do. */
  readonly message: string;
  readonly fields: FieldErrors;
};

export type Outcome<T> = { readonly ok: true; readonly value: T } | Refused;

export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function refused(kind: Refusal, message: string, fields: FieldErrors = {}): Refused {
  return { ok: false, kind, message, fields };
}

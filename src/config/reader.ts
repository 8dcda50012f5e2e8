/** The environment by name, with a collection of what is wrong in it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads variables by name and collects what is wrong. An empty variable counts as not set. */
export class Reader {
  readonly errors: Record<string, string> = {};
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** The value as `parse` makes it; `parse` returns undefined for what it does not take. */
  parsed<T>(name: string, form: string, parse: (text: string) => T | undefined): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) {
      this.errors[name] = `${name} is ‘${text}’; it must be ${form}, or not set at all.`;
    }
    return value;
  }

  /** As it stands, where `test` takes it; never repeated where not. */
  secret(name: string, form: string, test: (text: string) => boolean): string | undefined {
    const text = this.text(name);
    if (text === undefined || test(text)) return text;
    this.errors[name] = `${name} has the wrong form; it must be ${form}, or not set at all.`;
    return undefined;
  }

  /** `name` must be there because `because` is. */
  missing(name: string, because: string, form: string): void {
    this.errors[name] ??= `${name} is missing: with ${because} it must be set to ${form}.`;
  }
}

export function isUrl(text: string, protocols: readonly string[]): boolean {
  const url = URL.parse(text);
  return url !== null && protocols.includes(url.protocol);
}

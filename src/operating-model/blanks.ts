/** Saved texts with blanks in braces. Pure. */
const BLANK = /\{([^{}]*)\}/g;

/** The names of the blanks in a saved text, each once, in order: `{sender} …` has `sender`. */
export function blanksOf(template: string): string[] {
  return [...new Set(Array.from(template.matchAll(BLANK), (match) => match[1]!))];
}

/**
 * The text with its blanks filled. A blank without a value throws: an alert that leaves with
 * `{organisation}` in it is worse than one that stops a developer. Values are not filled again,
 * so a value with braces stays as somebody typed it.
 */
export function fillBlanks(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(BLANK, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new Error(`no value for the blank {${name}}`);
    return value;
  });
}

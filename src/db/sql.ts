const FRAGMENT = Symbol('sql');

/** A statement or a part of one: text with holes, and the values that fill them. */
export type Sql = {
  readonly [FRAGMENT]: true;
  readonly strings: readonly string[];
  readonly values: readonly unknown[];
};

/**
 * Plain SQL with parameters. Values become `$1, $2, …` and never text; another `sql` value nests.
 *
 *     sql`select title from alerts.alert where id = ${id}`
 */
export function sql(strings: TemplateStringsArray, ...values: unknown[]): Sql {
  return { [FRAGMENT]: true, strings, values };
}

/** `parts` joined by `, ` (or another fixed separator): for lists of columns or conditions. */
export function join(parts: readonly Sql[], separator: ', ' | ' and ' | ' or ' = ', '): Sql {
  const strings = [
    '',
    ...Array.from({ length: Math.max(parts.length - 1, 0) }, () => separator),
    '',
  ];
  return { [FRAGMENT]: true, strings: parts.length === 0 ? [''] : strings, values: parts };
}

/** The name of a schema, table or column as a part of a statement; chosen by code, never by input. */
export function identifier(name: string): Sql {
  if (!/^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?$/.test(name))
    throw new TypeError(`not a name of ours: ${name}`);
  return { [FRAGMENT]: true, strings: [name], values: [] };
}

export type Built = { text: string; values: unknown[] };

/** Flattens nested fragments into one text with numbered parameters. Throws on `undefined`: the
 * driver would silently make it NULL. */
export function build(query: Sql): Built {
  const values: unknown[] = [];
  return { text: flatten(query, values), values };
}

function flatten(query: Sql, values: unknown[]): string {
  let text = query.strings[0] ?? '';
  query.values.forEach((value, i) => {
    if (value === undefined) throw new TypeError(`undefined parameter after: ${text.slice(-80)}`);
    text += isSql(value) ? flatten(value, values) : `$${values.push(value)}`;
    text += query.strings[i + 1] ?? '';
  });
  return text;
}

function isSql(value: unknown): value is Sql {
  return typeof value === 'object' && value !== null && FRAGMENT in value;
}

/**
 * The live service is Python and lets it show in its messages and in filled templates: `True` for
 * true, `None` for null, quotes by content. These two functions print JSON values as Python does.
 */

/** `str(value)`: what a non-string value of a personalisation becomes in the text. */
export function pythonStr(value: unknown): string {
  return typeof value === 'string' ? value : pythonRepr(value);
}

/** `repr(value)`: how a value is quoted in a schema error. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  const pairs = Object.entries(value as Record<string, unknown>);
  return `{${pairs.map(([key, item]) => `${quote(key)}: ${pythonRepr(item)}`).join(', ')}}`;
}

function quote(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  if (escaped.includes("'") && !escaped.includes('"')) return `"${escaped}"`;
  return `'${escaped.replaceAll("'", "\\'")}'`;
}

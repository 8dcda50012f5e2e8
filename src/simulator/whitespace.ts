/**
 * What counts as white space: Python's `string.whitespace` plus the invisible characters people
 * paste from spreadsheets and web pages. Written as escapes: the characters cannot be seen.
 */
const ZERO_WIDTH = '\\u180e\\u200b\\u200c\\u200d\\u2060\\ufeff\\u2028\\u2029';
const FULL_WIDTH = '\\u00a0\\u202f';
const PLAIN = ' \\t\\n\\r\\v\\f';

export const ZERO_WIDTH_PATTERN = new RegExp(`[${ZERO_WIDTH}]`, 'g');
export const FULL_WIDTH_PATTERN = new RegExp(`[${FULL_WIDTH}]`, 'g');
export const ANY_WHITESPACE = `${PLAIN}${ZERO_WIDTH}${FULL_WIDTH}`;

const OBSCURE = new RegExp(`[${ZERO_WIDTH}${FULL_WIDTH}]`, 'g');
const ENDS = new RegExp(`^[${PLAIN}]+|[${PLAIN}]+$`, 'g');

/** Removes invisible and non-breaking characters anywhere, and plain white space at the ends. */
export function stripObscureWhitespace(text: string): string {
  return text.replace(OBSCURE, '').replace(ENDS, '');
}

const MOST = 3;
const LONGEST = 16;

/**
 * Answers a text offers, for buttons under it: "Reply 4821=got it, 4821 HELP=call me" gives
 * `4821` and `4821 HELP`. A text without such a sentence gives none.
 */
export function suggestReplies(text: string): string[] {
  const offer = /\b(?:reply|text|send)\s+(?:with\s+)?([A-Z0-9][^.\n]*)/i.exec(text)?.[1];
  if (offer === undefined) return [];
  const suggestions = offer
    .split(/,|;|\bor\b/)
    .map((part) => part.split(/[=(:]/)[0]!.trim())
    .filter((part) => /^[A-Z0-9]+(?: [A-Z0-9]+)*$/.test(part) && part.length <= LONGEST);
  return [...new Set(suggestions)].slice(0, MOST);
}

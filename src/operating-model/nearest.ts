/** The name most like `word`, where one is close enough to be what was meant. */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** `‘hihg’ is not known, did you mean ‘high’?; allowed: critical, high`. */
export function notKnown(word: string, allowed: readonly string[]): string {
  const meant = nearestName(word, allowed);
  const hint = meant === undefined ? '' : `, did you mean ‘${meant}’?`;
  return `‘${word}’ is not known${hint}; allowed: ${allowed.join(', ')}`;
}

/** Levenshtein: how many letters to put in, take out or exchange. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const exchange = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, exchange));
    }
    row = next;
  }
  return row[to.length]!;
}

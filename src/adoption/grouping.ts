/** Changes by the part of the file, with the words that say what the part is. Pure. */
import { partWords, type Change } from '#operating-model/index.ts';

export type ChangeGroup = {
  /** The key of the part in words: `Reporting clocks`. */
  readonly title: string;
  readonly what: string;
  readonly sentences: readonly string[];
};

export function groupChanges(changes: readonly Change[]): ChangeGroup[] {
  const groups = Map.groupBy(changes, ({ part }) => part);
  return Array.from(groups, ([part, inPart]) => {
    const title = capital(part.replaceAll('_', ' '));
    return {
      title,
      what: Object.hasOwn(partWords, part) ? partWords[part as keyof typeof partWords] : '',
      sentences: inPart.map(({ says }) => withoutTitle(says, title)),
    };
  });
}

/** Below its title a sentence need not begin with it. */
function withoutTitle(says: string, title: string): string {
  const rest = says.startsWith(title) ? /^[,:] (.*)$/s.exec(says.slice(title.length)) : null;
  return rest === null ? says : capital(rest[1]!);
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

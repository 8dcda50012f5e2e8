/** The repository as guards read it: files, and source with comments and strings blanked. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

export type File = {
  /** From the root, with slashes: `src/kernel/ids.ts`. */
  readonly path: string;
  readonly text: string;
};

const SKIPPED = new Set(['node_modules', '.git', 'var']);

/** Every file below `folder` whose name matches; `''` is the whole repository. */
export function listFiles(folder: string, name: RegExp): File[] {
  const found: File[] = [];
  const visit = (directory: string) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      // In a second worktree .git is a file.
      if (SKIPPED.has(entry.name)) continue;
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile() && name.test(entry.name)) {
        found.push({
          path: relative(root, path).replaceAll('\\', '/'),
          text: readFileSync(path, 'utf8'),
        });
      }
    }
  };
  visit(join(root, folder));
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Fails with every finding on a line of its own. */
export function assertNone(findings: readonly string[], heading: string): void {
  if (findings.length > 0) assert.fail(`${heading}\n  ${findings.join('\n  ')}\n`);
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/');
}

type Kept = { readonly comments?: boolean; readonly strings?: boolean };

const REGEX_MAY_FOLLOW =
  /(?:^|[=(,:;[!&|?{}+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|await))\s*$/;

/**
 * The text with comments and the insides of strings, templates and regular expressions turned to
 * spaces, so that a search finds code only. Positions and lines stay where they are.
 */
export function blanked(text: string, keep: Kept = {}): string {
  const out = text.split('');
  const hide = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  // Depths of braces at which a `}` goes back into a template.
  const templates: number[] = [];
  let depth = 0;
  let i = 0;
  const skip = (end: number, inside: boolean, kept: boolean | undefined) => {
    if (!kept) hide(inside ? i + 1 : i, inside ? end - 1 : end);
    i = end;
  };
  const skipTemplate = () => {
    const end = endOfTemplate(text, i + 1);
    if (!keep.strings) hide(i + 1, end - 1);
    if (text[end - 1] === '{') templates.push(depth++);
    i = end;
  };
  while (i < text.length) {
    const two = text.slice(i, i + 2);
    const one = text[i]!;
    if (two === '//') skip(endOf(text, i, '\n'), false, keep.comments);
    else if (two === '/*') skip(endOf(text, i + 2, '*/') + 2, false, keep.comments);
    else if (one === "'" || one === '"') skip(endOfString(text, i, one), true, keep.strings);
    else if (one === '`') skipTemplate();
    else if (one === '/' && REGEX_MAY_FOLLOW.test(out.slice(Math.max(0, i - 40), i).join(''))) {
      skip(endOfRegex(text, i), true, keep.strings);
    } else {
      if (one === '{') depth++;
      if (one === '}' && templates.at(-1) === --depth) {
        templates.pop();
        skipTemplate();
      } else i++;
    }
  }
  return out.join('');
}

function endOf(text: string, from: number, mark: string): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
}

function endOfString(text: string, from: number, quote: string): number {
  let i = from + 1;
  while (i < text.length && text[i] !== quote && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** Past the closing back-tick, or past the `${` of the next hole. */
function endOfTemplate(text: string, from: number): number {
  let i = from;
  while (i < text.length && text[i] !== '`') {
    if (text[i] === '$' && text[i + 1] === '{') return i + 2;
    i += text[i] === '\\' ? 2 : 1;
  }
  return i + 1;
}

function endOfRegex(text: string, from: number): number {
  let i = from + 1;
  let inClass = false;
  while (i < text.length && text[i] !== '\n' && (inClass || text[i] !== '/')) {
    if (text[i] === '[') inClass = true;
    if (text[i] === ']') inClass = false;
    i += text[i] === '\\' ? 2 : 1;
  }
  return i + 1;
}

export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}

/** What a file imports, types and dynamic imports too, in the words of the import. */
export function importsOf(text: string): { specifier: string; line: number; names: string }[] {
  const code = blanked(text, { strings: true });
  const bare = blanked(text);
  const pattern =
    /\b(?:import|export)\b([^'";()]*?)\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g;
  return Array.from(code.matchAll(pattern))
    .filter((match) => /^(?:import|export)/.test(bare.slice(match.index, match.index + 6)))
    .map((match) => ({
      specifier: (match[2] ?? match[3])!,
      line: lineAt(text, match.index),
      names: (match[1] ?? '').trim(),
    }));
}

/** The text parts of every sql`…` in a file, with the line each begins on. */
export function sqlOf(text: string): { sql: string; line: number }[] {
  const code = blanked(text);
  return Array.from(code.matchAll(/\bsql`/g), (match) => {
    let i = match.index + match[0].length;
    let sql = '';
    for (;;) {
      const end = endOfTemplate(text, i);
      sql += `${text.slice(i, text[end - 1] === '{' ? end - 2 : end - 1)} `;
      if (text[end - 1] !== '{') break;
      i = closing(code, end - 1) + 1;
    }
    return { sql, line: lineAt(text, match.index) };
  });
}

/** The position of the bracket that closes the one at `open`, in blanked code. */
export function closing(code: string, open: number): number {
  const pairs: Readonly<Record<string, string>> = { '{': '}', '(': ')' };
  const [from, to] = [code[open]!, pairs[code[open]!]!];
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if (code[i] === from) depth++;
    if (code[i] === to && --depth === 0) return i;
  }
  return code.length;
}

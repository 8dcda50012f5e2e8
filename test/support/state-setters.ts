/** What sets the state of a message, read from the code: so that a test misses none of it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');

/** The names of exported statements of dispatch, and of functions of the migrations. */
export function listStateSetters(): string[] {
  const statements = read('src/dispatch', /^store.*(?<!\.test)\.ts$/).flatMap(listStatements);
  return [...statements, ...read('migrations', /^\d{4}_.*\.sql$/).flatMap(listFunctions)];
}

function read(folder: string, pattern: RegExp): string[] {
  return readdirSync(path.join(root, folder))
    .filter((file) => pattern.test(file))
    .map((file) => readFileSync(path.join(root, folder, file), 'utf8'));
}

function listStatements(source: string): string[] {
  return source
    .split('export async function ')
    .slice(1)
    .flatMap((statement) => {
      // What is assigned: up to the `from` or `where` of the update itself, which begins a line.
      const updates = statement.matchAll(
        /update dispatch\.message\b(?: message)?\s+set\b([^]*?)(?:\n *from\b|\bwhere\b|\breturning\b)/g,
      );
      const sets = [...updates].some(([, assigned]) => /(?:^|,)\s*state = /.test(assigned!));
      return sets ? [/^\w+/.exec(statement)![0]] : [];
    });
}

/** Triggers, and whatever else writes messages. */
function listFunctions(source: string): string[] {
  return [...source.matchAll(/create function dispatch\.(\w+)[^]*?as \$\$([^]*?)\$\$/g)]
    .filter(([, , body]) => /\bnew\.state\s*:=|\bupdate dispatch\.message\b/.test(body!))
    .map(([, name]) => name!);
}

/** What is wrong in the file, and where: every finding names its line and its path. */
import {
  isMap,
  isScalar,
  isSeq,
  type Document,
  type LineCounter,
  type Node,
  type Pair,
} from 'yaml';

export type Path = readonly (string | number)[];

/** A finding before anybody has looked up its line. */
export type Remark = {
  readonly level: 'error' | 'warning';
  readonly path: Path;
  readonly message: string;
};

export type Finding = {
  readonly level: 'error' | 'warning';
  /** From 1. */
  readonly line: number;
  /** With dots and brackets: `severities.high.rounds[1].after`; '' for the whole file. */
  readonly path: string;
  readonly message: string;
};

export function error(path: Path, message: string): Remark {
  return { level: 'error', path, message };
}

export function warning(path: Path, message: string): Remark {
  return { level: 'warning', path, message };
}

/** `operating-model.yaml:12: severities.high.lane: must be …`, as editors and people find it. */
export function printFinding(finding: Finding, fileName: string): string {
  const place = finding.path === '' ? '' : `${finding.path}: `;
  const level = finding.level === 'warning' ? 'warning: ' : '';
  return `${fileName}:${finding.line}: ${level}${place}${finding.message}`;
}

export function located(remark: Remark, document: Document, lines: LineCounter): Finding {
  return {
    level: remark.level,
    line: lineOf(remark.path, document, lines),
    path: printPath(remark.path),
    message: remark.message,
  };
}

export function printPath(path: Path): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join('');
}

/** The line of the key or item at `path`, or of the nearest thing around it that exists. */
function lineOf(path: Path, document: Document, lines: LineCounter): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of path) {
    let found: Node | undefined;
    if (isMap(node)) {
      const pair = node.items.find((item) => keyOf(item) === String(part));
      if (pair === undefined) break;
      found = pair.key as Node;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      found = node as Node | undefined;
    }
    const start = found?.range?.[0];
    if (start === undefined) break;
    offset = start;
  }
  return Math.max(lines.linePos(offset).line, 1);
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

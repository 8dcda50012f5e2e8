import { readFile } from 'node:fs/promises';
import { refused, type Outcome } from '#kernel/outcome.ts';
import type { OperatingModel } from './model.ts';
import { parseOperatingModel } from './parse.ts';

/** Reads and parses the file at `path`; `not_found` where it cannot be read. */
export async function loadOperatingModel(path: string): Promise<Outcome<OperatingModel>> {
  const text = await readModelFile(path);
  if (text.ok) return parseOperatingModel(text.value, path);
  return refused(text.kind, `${text.message} Set TOCSIN_OPERATING_MODEL to the file.`);
}

/** The text of the file, or a sentence about why it cannot be read. */
export async function readModelFile(path: string): Promise<Outcome<string>> {
  try {
    return { ok: true, value: await readFile(path, 'utf8') };
  } catch (reason) {
    const { code } = reason as NodeJS.ErrnoException;
    return refused('not_found', `${path} cannot be read (${code ?? 'no reason'}).`);
  }
}

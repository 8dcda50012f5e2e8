/**
 * One of the processes that `npm test` runs its files in. It takes the next file of the run until
 * none is left: the modules of the program are read and compiled once in each process and not once
 * in each of some 270 files, which halves what the suite costs. A file is a suite of its own, so
 * that its hooks are its own.
 */
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import { pathToFileURL } from 'node:url';

/** Runs files, in this order, until all are taken; in `folder` lanes say what they took. */
export async function runLane(
  folder: string,
  { root, files }: { readonly root: string; readonly files: readonly string[] },
): Promise<void> {
  for (const file of files) {
    if (!take(path.join(folder, `taken-${encodeURIComponent(file)}`))) continue;
    await describe(file, async () => {
      await import(pathToFileURL(path.join(root, file)).href);
    });
  }
}

/** Whoever makes the file has it: the file system decides between two processes. */
function take(name: string): boolean {
  try {
    closeSync(openSync(name, 'wx'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

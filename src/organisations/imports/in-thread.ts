/**
 * Work on a file in a thread of its own: 100,000 rows are read, compared and sealed for seconds,
 * in which this process must serve boards and send texts. Ending the thread ends its connection,
 * and with that its transaction: what it wrote was never there.
 */
import { Worker } from 'node:worker_threads';
import type { Database } from '#db/database.ts';
import type { ImportProgress } from './import-options.ts';
import type { FileDone, FileWork, RunWork, WorkContext } from './work.ts';

export type ThreadOrder = {
  readonly config: Database['config'];
  readonly work: FileWork | RunWork;
  readonly context: WorkContext;
};

/** A file that needs more fails, and not the process that serves boards. */
const HEAP_MEGABYTES = 256;

/** The thread was ended before it was done. */
export class Ended extends Error {}

export type ThreadOptions = {
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Ends the thread at once. */
  readonly signal?: AbortSignal;
  /** False: the process need not stay for it. */
  readonly holdsProcess?: boolean;
};

export async function fileInThread(
  order: ThreadOrder & { readonly work: FileWork },
  options: ThreadOptions = {},
): Promise<FileDone> {
  return (await inThread(order, options)) as FileDone;
}

export async function runInThread(
  order: ThreadOrder & { readonly work: RunWork },
  options: ThreadOptions,
): Promise<void> {
  await inThread(order, options);
}

async function inThread(
  order: ThreadOrder,
  { onProgress, signal, holdsProcess = true }: ThreadOptions,
): Promise<unknown> {
  const worker = new Worker(new URL('./import-thread.ts', import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
  });
  if (!holdsProcess) worker.unref();
  return await new Promise((resolve, reject) => {
    const end = () => {
      void worker.terminate();
      reject(new Ended());
    };
    signal?.addEventListener('abort', end);
    worker.on('message', (message: { progress?: ImportProgress; done?: unknown }) => {
      if (message.progress) onProgress?.(message.progress);
      else resolve(message.done);
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      signal?.removeEventListener('abort', end);
      reject(new Ended());
    });
  });
}

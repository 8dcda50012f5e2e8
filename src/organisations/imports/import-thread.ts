/** The thread that works on one file and ends: whoever made it waits, draws and may end it. */
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '#db/database.ts';
import type { SealingKey } from '#kernel/sealed.ts';
import type { ThreadOrder } from './in-thread.ts';
import { workOnFile, workOnRun } from './work.ts';

const { config, work, context } = workerData as ThreadOrder;
const { secrets } = context;
const database = openDatabase(
  // Between two statements thousands of rows are compared: longer than others may stand still.
  { ...config, idle_in_transaction_session_timeout: 120_000 },
  { connectionsMax: 1 },
);
const onProgress = (progress: unknown) => parentPort!.postMessage({ progress }, []);
const given = {
  ...context,
  // A Buffer arrives as plain bytes.
  secrets: {
    addressKey: asBuffer(secrets.addressKey),
    openingKeys: secrets.openingKeys.map(asBuffer),
    blindIndexKey: Buffer.from(secrets.blindIndexKey),
  },
  onProgress,
};

function asBuffer({ id, key }: SealingKey): SealingKey {
  return { id, key: Buffer.from(key) };
}

try {
  const done =
    work.as === 'file'
      ? await workOnFile(database, { ...work, file: { ...work.file } }, given)
      : await workOnRun(database, work, given);
  parentPort!.postMessage({ done }, []);
} finally {
  await database.end();
}

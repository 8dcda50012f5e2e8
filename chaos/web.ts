/** The part of the web process that providers call: receipts are kept here. */
import { nobody } from '#kernel/actor.ts';
import { openDatabase } from '#db/database.ts';
import { callbackRoutes } from '#dispatch/index.ts';
import { createServer } from '#web/index.ts';
import type { WebTask } from './task.ts';

process.once('message', (task: WebTask) => {
  void start(task).then(() => process.send?.('ready'));
});
process.once('disconnect', () => process.exit(1));

async function start({ database: config, port }: WebTask): Promise<void> {
  const none = () => Buffer.alloc(0);
  const database = openDatabase(config);
  const server = await createServer({
    routes: callbackRoutes({
      database,
      seals: { indexNumber: none, sealNumber: none, sealContent: none },
    }),
    installation: { name: 'Chaos', kind: 'demonstration' },
    origin: 'http://localhost',
    sessions: { findSession: () => Promise.resolve(undefined) },
    apiKeys: { findApiKey: () => Promise.resolve(nobody) },
    log: { info() {}, error() {} },
  });
  await server.listen({ port });
}

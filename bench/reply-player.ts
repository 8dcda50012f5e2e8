/**
 * The job that makes acknowledgements of texts that came in, as the worker runs it
 * (src/main/wiring.ts), in a process of its own.
 */
import type { ClientConfig } from 'pg';
import { open } from '#kernel/sealed.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { startTasks, type RunningTasks } from '#db/tasks.ts';
import { REPLY_TASK } from '#dispatch/index.ts';
import { createLog } from '#log.ts';
import { handleReplies, type AnswerContext } from '#responses/index.ts';
import { readModel } from './alert.ts';
import { playOrders } from './player.ts';

export type ReplyOrder = {
  readonly owner: ClientConfig;
  readonly worker: ClientConfig;
  readonly sealingKey: { readonly id: number; readonly key: Uint8Array };
};

const model = await readModel();
let running: { tasks: RunningTasks; database: Database } | undefined;

playOrders<ReplyOrder>(
  async ({ owner, worker, sealingKey }) => {
    const key = { id: sealingKey.id, key: Buffer.from(sealingKey.key) };
    const database = openDatabase(worker);
    const context: AnswerContext = {
      database,
      model,
      host: 'cyber.example',
      clockOf: (at) => at.toISOString().slice(11, 16),
      whenOf: (at) => at.toISOString().slice(11, 16),
      openReply: (replyId, sealed) => open([key], `reply_content|${replyId}`, sealed),
    };
    const tasks = { [REPLY_TASK]: () => handleReplies(context) };
    const log = createLog({ level: 'warn' });
    running = { database, tasks: await startTasks(owner, tasks, log) };
    return {};
  },
  async () => {
    await running?.tasks.stop();
    await running?.database.end();
  },
);

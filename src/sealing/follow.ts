/** A process that runs learns which keys there are, and says which of them it opens. */
import type { Database } from '#db/database.ts';
import type { FileKey } from '#db/data-folder.ts';
import { listen } from '#db/listen.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import type { Outcome } from '#kernel/outcome.ts';
import type { Log } from '#log.ts';
import type { Keyring } from './keyring.ts';
import { BEAT_MS, type Holder } from './model.ts';
import { deleteHolder, listKeys, upsertHolder } from './store.ts';

const actor = system('keys');

export type FollowOptions = {
  readonly keyring: Keyring;
  /** Read again each time: a key comes into the file while processes run. */
  readonly readFileKeys: () => Outcome<readonly FileKey[]>;
  readonly part: Holder['part'];
};

/** Follows until stopped. Only a lost database or a missing key of the file keeps it behind. */
export function followKeys(
  database: Database,
  log: Pick<Log, 'error' | 'warn'>,
  { keyring, readFileKeys, part }: FollowOptions,
): { stop(): Promise<void> } {
  const id = newId();
  const look = async () => {
    try {
      await database.withActor(actor, async (tx) => {
        const rows = await listKeys(tx);
        if (rows.some((row) => !keyring.opens.includes(row.id))) {
          const fileKeys = readFileKeys();
          const learnt = fileKeys.ok ? keyring.learn(rows, fileKeys.value) : fileKeys;
          if (!learnt.ok) log.error('keys.not_opened', { reason: 'file-key-missing' });
        } else keyring.learn(rows, []);
        await upsertHolder(tx, { id, part, opens: keyring.opens });
      });
    } catch (error) {
      log.warn('keys.not_followed', { error });
    }
  };
  let looking = Promise.resolve();
  const lookNext = () => void (looking = looking.then(look));
  const listener = listen({
    config: database.config,
    channels: ['tocsin_sealing_key'],
    onNotify: lookNext,
    onGap: lookNext,
    onError: (error) => log.warn('keys.notifications_lost', { error }),
  });
  const beat = setInterval(lookNext, BEAT_MS).unref();
  return {
    async stop() {
      clearInterval(beat);
      await listener.stop();
      await looking;
      await database.withActor(actor, (tx) => deleteHolder(tx, id)).catch(() => {});
    },
  };
}

/** A database that keeps the key which scenes of the dispatch seal by, as its first start had it. */
import { system } from '#kernel/actor.ts';
import { seal } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { newFileKey, type FileKey } from '#db/data-folder.ts';
import type { Clone } from './database.ts';
import { sealingKey } from './dispatch.ts';

/** Makes the keys of the database; returns the one of the file that wraps them. */
export async function keepSealingKey(db: Clone): Promise<FileKey> {
  const fileKey = newFileKey(1);
  const wrapping = { id: fileKey.id, key: Buffer.from(fileKey.key, 'base64') };
  await db.owner.withActor(system('test'), async (tx) => {
    for (const purpose of ['personal', 'credential', 'blind_index']) {
      const { id } = await tx.one<{ id: number }>(sql`
        select nextval(pg_get_serial_sequence('kernel.sealing_key', 'id')) as id`);
      const key =
        purpose === 'personal' ? sealingKey.key : Buffer.from(newFileKey(1).key, 'base64');
      await tx.run(sql`
        insert into kernel.sealing_key (id, purpose, state, wrapped)
        values (${id}, ${purpose}, 'current',
          ${seal(wrapping, `sealing_key|${purpose}|${id}`, key.toString('base64'))})`);
    }
  });
  return fileKey;
}

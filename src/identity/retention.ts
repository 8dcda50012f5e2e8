/** Retention of what signs people in; what went is an entry of the audit. */
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { deleteOld, deletePassing, type Kept } from './store-session.ts';

/** Sessions, links and invitations by the rules, and what is over by itself; says how many rows. */
export async function sweepIdentity(tx: Tx, kept: Kept): Promise<number> {
  const passing = await deletePassing(tx, kept.now);
  const { sessions, links, invitations } = await deleteOld(tx, kept);
  const gone = sessions + links + invitations;
  if (gone > 0)
    await record(tx, {
      action: 'sign_ins.forgotten',
      subject: { kind: 'database', id: 'retention' },
      detail: { sessions, links, invitations },
    });
  return gone + passing;
}

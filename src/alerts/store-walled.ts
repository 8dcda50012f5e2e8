/** Statements about alerts whose words the actor may not read. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Marking } from '#kernel/marking.ts';
import type { VersionKind, VersionState } from './model.ts';

/** What may be known of it all the same. */
export type WalledAlert = {
  readonly number: number;
  readonly exercise: boolean;
  readonly kind: VersionKind;
  readonly state: VersionState;
  readonly severity: string;
  readonly marking: Marking;
  readonly modelVersion: string;
};

/**
 * The version that is out, or is being written, where its words are closed to the actor; undefined
 * where none is. One that was given up counts where there is no other.
 */
export async function findWalled(tx: Tx, alertId: string): Promise<WalledAlert | undefined> {
  return await tx.maybe<WalledAlert>(sql`
    select alert.number, alert.exercise, version.kind, version.state, version.severity,
      version.marking, version.model_version
    from alerts.alert alert
    join alerts.version version on version.alert_id = alert.id
    where alert.id = ${alertId} and version.state <> 'superseded'
      and version.marking <> all (kernel.actor_markings())
      and (version.state <> 'abandoned' or not exists (
        select from alerts.version other
        where other.alert_id = alert.id and other.state <> 'abandoned'))
    order by version.state in ('released', 'closed') desc, version.number desc limit 1`);
}

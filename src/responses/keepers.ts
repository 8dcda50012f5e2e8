/** Who has an alert in hand at an organisation, for those of it who answer later. */
import type { Tx } from '#db/database.ts';
import { listReachOfPoints } from '#organisations/index.ts';
import type { Taken } from './code-answers.ts';
import { listPromises } from './store-desk.ts';
import { listAcknowledged } from './store-read.ts';

/** By a role and never a name: whoever has a code has shown nothing but a telephone. */
export type Keeper = {
  readonly shortName: string;
  readonly since: Date;
  readonly isYou: boolean;
  /** Key of a contact role; undefined: written down by the desk, from a call. */
  readonly role: string | undefined;
};

/** Who has it, and when those that asked for help expect our call. */
export async function listKeepers(
  tx: Tx,
  { alertId, organisationIds, contactPointId }: Taken,
): Promise<{ keepers: Keeper[]; callBackAt: Date | undefined }> {
  const keepers: Keeper[] = [];
  for (const one of await listAcknowledged(tx, alertId, organisationIds)) {
    const points = one.contactPointId === null ? [] : [one.contactPointId];
    const reach = await listReachOfPoints(tx, points, one.organisationId);
    keepers.push({
      shortName: one.shortName,
      since: one.acknowledgedAt,
      isYou: one.contactPointId === contactPointId,
      role: reach[0]?.role,
    });
  }
  const promises = await listPromises(tx, alertId, organisationIds);
  const callBackAt = promises
    .map((one) => one.callBackAt)
    .toSorted((a, b) => Number(a) - Number(b));
  return { keepers, callBackAt: callBackAt[0] };
}

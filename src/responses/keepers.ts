/** Who has an alert in hand at an organisation, for those of it who answer later. */
import type { Tx } from '#db/database.ts';
import { listRolesOfPoints } from '#organisations/index.ts';
import { listPromises } from './store-desk.ts';
import { listAcknowledged } from './store-read.ts';

/** By a role and never a name: whoever has a code has shown nothing but a telephone. */
export type Keeper = {
  readonly organisationId: string;
  readonly shortName: string;
  readonly since: Date;
  readonly isYou: boolean;
  /** Key of a contact role; undefined: written down by the desk, from a call. */
  readonly role: string | undefined;
};

/** Who has it, and when those that asked for help expect our call. */
export type Kept = {
  readonly keepers: readonly Keeper[];
  readonly callBackAt: Date | undefined;
};

/** Who asks, and of which organisations that were told. */
export type Asking = {
  readonly alertId: string;
  readonly organisationIds: readonly string[];
  readonly contactPointId: string;
  /** By the id of the organisation, such as "Northmoor". */
  readonly shortNames: Readonly<Record<string, string>>;
};

/** For each of these, in their order. Many at once cost what one does. */
export async function listKeepers(tx: Tx, answers: readonly Asking[]): Promise<Kept[]> {
  const kept = new Map<Asking, Kept>();
  for (const [alertId, same] of Map.groupBy(answers, (answer) => answer.alertId)) {
    const all = [...new Set(same.flatMap(({ organisationIds }) => organisationIds))];
    const acknowledged = await listAcknowledged(tx, alertId, all);
    const roles = await listRolesOfPoints(
      tx,
      acknowledged.flatMap(({ organisationId, contactPointId }) =>
        contactPointId === null ? [] : [{ organisationId, contactPointId }],
      ),
    );
    const asking = acknowledged.filter(({ hasAskedForHelp }) => hasAskedForHelp);
    const promises = await listPromises(
      tx,
      alertId,
      asking.map(({ organisationId }) => organisationId),
    );
    for (const answer of same) {
      const isOwn = ({ organisationId }: { readonly organisationId: string }) =>
        answer.organisationIds.includes(organisationId);
      const keepers = acknowledged.filter(isOwn).map((one): Keeper => ({
        organisationId: one.organisationId,
        shortName: answer.shortNames[one.organisationId] ?? '',
        since: one.acknowledgedAt,
        isYou: one.contactPointId === answer.contactPointId,
        role: roles.find(
          (at) =>
            at.organisationId === one.organisationId && at.contactPointId === one.contactPointId,
        )?.role,
      }));
      const callBacks = promises.filter(isOwn).map((one) => one.callBackAt);
      kept.set(answer, {
        keepers: keepers.toSorted((a, b) => a.shortName.localeCompare(b.shortName)),
        callBackAt: callBacks.toSorted((a, b) => Number(a) - Number(b))[0],
      });
    }
  }
  return answers.map((answer) => kept.get(answer)!);
}

/** Whose number a text came from. */
import type { Tx } from '#db/database.ts';
import { listOrganisationsOfContactPoint } from '#organisations/index.ts';

/** The organisation whose number it is, where it is that of one only: so that the desk groups it. */
export async function findOnlyOwner(tx: Tx, contactPointId: string): Promise<string | null> {
  const owners = await listOrganisationsOfContactPoint(tx, contactPointId);
  const [only, ...others] = new Set(owners.map(({ organisationId }) => organisationId));
  return only === undefined || others.length > 0 ? null : only;
}

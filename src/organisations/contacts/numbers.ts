/** Whole numbers and addresses of an organisation's contacts: each look is an entry of the audit. */
import { isOwn, mayIn } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { open } from '#kernel/sealed.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { sealingContext, type DirectorySecrets } from '../imports/actions.ts';
import { nationalNumber } from '../coverage/call-list.ts';
import { findRegionOf, listReachOfContacts } from '../coverage/store-reach.ts';

export type WholeNumber = { readonly text: string; readonly href: string };

/** Organisations whose whole numbers one account may open in a minute: to ring them, not to take them. */
export const NUMBERS_PER_MINUTE_MAX = 30;

/** By contact point. */
export type WholeNumbers = Readonly<Record<string, WholeNumber>>;

/** Of these contacts of the organisation, as they stand on the page that asks. */
export async function openNumbers(
  tx: Tx,
  { organisationId, contactIds }: { organisationId: string; contactIds: readonly string[] },
  { openingKeys }: DirectorySecrets,
): Promise<Outcome<WholeNumbers>> {
  const region = await findRegionOf(tx, organisationId);
  const mayRecord = mayIn(tx.actor, 'response.record', region?.code ?? null);
  if (!mayRecord && !isOwn(tx.actor, organisationId)) {
    return refused('forbidden', 'Your role may not see whole numbers.');
  }
  // Only then: whoever may not see another's does not learn either whether it is there.
  if (region === undefined) return refused('not_found', 'There is no such organisation.');
  const reach = await listReachOfContacts(tx, organisationId, contactIds);
  await record(tx, {
    action: 'contact.looked_up',
    subject: { kind: 'organisation', id: organisationId },
    detail: { contacts: [...new Set(reach.map(({ contactId }) => contactId))] },
  });
  return ok(
    Object.fromEntries(
      reach.map(({ contactPointId, channel, addressSealed }) => {
        const address = open(openingKeys, sealingContext(contactPointId), addressSealed);
        const whole =
          channel === 'mail'
            ? { text: address, href: `mailto:${address}` }
            : { text: nationalNumber(address), href: `tel:+${address}` };
        return [contactPointId, whole];
      }),
    ),
  );
}

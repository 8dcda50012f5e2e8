/** Switching a sign-in of others on again: whoever it names comes in by its word. */
import { z } from 'zod';
import { ok } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { dateTime, duration } from '#web/index.ts';
import type { IdentityContext } from '../context.ts';
import type { Issuer } from '../issuer-model.ts';
import { notOff, switchOnIssuer } from '../issuers.ts';
import { issuerId } from '../parse-issuer.ts';
import { selectIssuer } from '../store-issuer.ts';
import { changeKind, type ChangeKind } from './kind.ts';

export const ISSUER_ON = 'issuer_on';

export function issuerChange({
  organisations,
}: Pick<IdentityContext, 'organisations'>): ChangeKind {
  const speaksFor = async (tx: Tx, { organisationId }: Issuer) => {
    if (organisationId === null) return 'everybody who is linked';
    const [named] = (await organisations?.listNames(tx, [organisationId])) ?? [];
    return `whoever holds a role for ${named?.name ?? 'an organisation'}, and for that role alone`;
  };
  return changeKind(z.strictObject({ id: issuerId }), {
    id: ISSUER_ON,
    title: 'A sign-in of others, switched on',
    proposes: 'person.manage',
    approves: 'person.manage',
    look: async (tx, { id }) => {
      const issuer = await selectIssuer(tx, id);
      if (issuer === undefined || issuer.offAt === null) return notOff;
      const { url, label, clientId, origins, offAt, savedAt } = issuer;
      const lines = [
        { what: 'Sign-in', before: `off since ${dateTime(offAt)}`, after: `on: ${label}` },
        { what: 'Address', before: url, after: url },
        { what: 'Speaks for', before: 'nobody', after: await speaksFor(tx, issuer) },
        { what: 'Enough', before: 'nothing', after: enoughOf(issuer) },
      ];
      // Settings that were saved since, or another switch in between, make it another change.
      return ok({ base: { url, clientId, origins, offAt, savedAt }, lines });
    },
    carryOut: async (tx, { id }, { approvalId }) => await switchOnIssuer(tx, id, approvalId),
  });
}

function enoughOf({ acr, amr, authAgeMaxMs }: Issuer): string {
  const ways = [
    ...(acr.length > 0 ? [`level ${acr.join(' or ')}`] : []),
    ...(amr.length > 0 ? [`way ${amr.join(' or ')}`] : []),
  ];
  if (ways.length === 0) return 'nothing: each comes with a proof of ours as well';
  return `${ways.join(', or ')}, not older than ${duration(authAgeMaxMs)}`;
}

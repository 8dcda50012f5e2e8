/** The second person of a proposed change, in a live installation: signs what is shown, and posts it. */
import assert from 'node:assert/strict';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Authenticator } from './authenticator.ts';
import { ORIGIN, type LiveSite } from './live-site.ts';
import type { PageClient } from './page-client.ts';

export type Signer = { readonly client: PageClient; readonly device: Authenticator };

type At = Pick<LiveSite, 'clone' | 'post'>;

/** What the page of the change at this path posts, signed as a browser would. */
export async function decideChange(
  { clone, post }: At,
  { client, device }: Signer,
  path: string,
  verb: 'approve' | 'alone' = 'approve',
) {
  const { approvalId, hash } = await clone.owner.withActor(system('test'), (tx) =>
    tx.one<{ approvalId: string; hash: string }>(sql`
      select approval_id, sha256 as hash from identity.proposed_change
      where id = ${path.split('/').at(-1)!}`),
  );
  const { told } = await post(client, `/approvals/${approvalId}/options`, { hash });
  const passkey = device.use(told.get, ORIGIN);
  const signed = await post(client, `/approvals/${approvalId}/signature`, { passkey });
  assert.equal(signed.status, 200);
  return await post(client, `${path}/${verb}`, { hash });
}

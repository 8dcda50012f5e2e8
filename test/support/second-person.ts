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

/** The form by which a second person agrees on the page of somebody; undefined where there is none. */
export async function findAgreeing(client: PageClient, personId: string) {
  const forms = (await client.get(`/people/${personId}`)).elements('form');
  const form = forms.find(({ attribs }) => /\/(agree|confirm)$/.test(attribs['action'] ?? ''));
  if (form === undefined) return undefined;
  const { action, 'data-passkey-options': options } = form.attribs;
  const page = client.page.elements('input').map(({ attribs }) => attribs);
  const hash = page.find(({ name }) => name === 'hash')!['value']!;
  return { path: action!, options: options!, hash };
}

/** Signs what that form shows, as a browser would, and posts it. */
export async function agreeTo(
  { post }: Pick<At, 'post'>,
  { client, device }: Signer,
  { path, options, hash }: NonNullable<Awaited<ReturnType<typeof findAgreeing>>>,
) {
  const { told } = await post(client, options, { hash });
  if (told.get !== undefined) {
    const proof = options.replace('/options', '/signature');
    assert.equal(
      (await post(client, proof, { passkey: device.use(told.get, ORIGIN) })).status,
      200,
    );
  }
  return await post(client, path, { hash });
}

/** Passkeys work for the domain that they were made for and for no other. */
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { listPasskeyDomains } from '#identity/index.ts';
import type { Ground } from './ground.ts';

/**
 * Refuses to serve a live installation where the passkeys of its people could not be used: the
 * domain is what the first passkey was made for. Another host below it is fine.
 */
export async function checkPasskeyDomain(ground: Ground): Promise<Outcome<void>> {
  const { config, folder } = ground;
  if (folder.installation.kind !== 'live') return ok(undefined);
  const database = ground.open('tocsin_web', 1);
  try {
    const domains = await database.withActor(system('start'), (tx) => listPasskeyDomains(tx));
    const other = domains.find((domain) => domain !== config.passkeyDomain);
    if (other === undefined) return ok(undefined);
    return refused(
      'conflict',
      `The passkeys of this installation were made for ${other}, and would not work for ` +
        `${config.passkeyDomain}. Set TOCSIN_PASSKEY_DOMAIN to ${other}, and TOCSIN_URL to ` +
        'that host or one below it.',
    );
  } finally {
    await database.end();
  }
}

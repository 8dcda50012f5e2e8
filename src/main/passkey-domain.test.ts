import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase } from '#db/database.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { openLiveSite, type LiveSite } from '../../test/support/live-site.ts';
import type { Ground } from './ground.ts';
import { checkPasskeyDomain } from './passkey-domain.ts';

let live: LiveSite;
before(async () => {
  live = await openLiveSite('centre.example');
});
after(() => live.close());

const check = async (passkeyDomain: string, kind = 'live') =>
  await checkPasskeyDomain({
    config: { passkeyDomain },
    folder: { installation: { kind } },
    open: () => openDatabase(live.clone.web.config),
  } as unknown as Ground);

test('passkeys bind a live installation to their domain, from the first one on', async () => {
  assert.ok((await check('other.example')).ok, 'none yet');
  const client = await live.byLink(await live.invite('Ada First', ['administrator']));
  await live.make(client, new Authenticator());
  assert.ok((await check('centre.example')).ok);
  assert.ok((await check('other.example', 'demonstration')).ok);
  const refused = await check('other.example');
  assert.ok(!refused.ok);
  assert.match(refused.message, /made for centre\.example.*Set TOCSIN_PASSKEY_DOMAIN to centre/);
});

/** A real browser whose machine has a device for passkeys of its own. */
import assert from 'node:assert/strict';
import type { Browser, BrowserPage } from './browser.ts';

export type Device = {
  readonly page: BrowserPage;
  /** Whether the finger, face or PIN is right from now on. */
  readonly verify: (isRight: boolean) => Promise<void>;
};

/** A browser of somebody's own: no cookie and no passkey is there yet. */
export async function openDevice(browser: Browser): Promise<Device> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => assert.fail(`script: ${error.message}`));
  page.on('console', (line) => assert.doesNotMatch(line.text(), /Content Security Policy/));
  const session = await context.newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const verify = async (isUserVerified: boolean) => {
    await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  };
  return { page, verify };
}

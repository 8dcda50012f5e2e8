/** The whole product of a live centre under a host of its own, for real browsers with devices. */
import { createSignInLink, sessionsOf } from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { navigation } from '#main/navigation.ts';
import { installationOf, productRoutes } from '#main/wiring.ts';
import { createServer } from '#web/index.ts';
import type { BrowserPage } from './browser.ts';
import { must, type Centre } from './centre.ts';
import { freePorts } from './program.ts';

export type LiveHost = { readonly origin: string; readonly close: () => Promise<void> };

/** `name`: below localhost, which browsers take for safe; passkeys refuse addresses. */
export async function startLiveHost(
  centre: Centre,
  { name = 'localhost', passkeyDomain }: { readonly name?: string; passkeyDomain?: string } = {},
): Promise<LiveHost> {
  const port = await freePorts(1);
  const origin = `http://${name}:${port}`;
  const product = { ...centre.product, origin, ...(passkeyDomain && { passkeyDomain }) };
  const server = await createServer({
    routes: productRoutes(product),
    installation: installationOf(product),
    origin,
    sessions: sessionsOf(centre.db.web, centre.model),
    apiKeys: { findApiKey: async () => undefined },
    navigation,
    log: { info: () => {}, error: (event, fields) => console.error(event, fields) },
  });
  await server.listen({ port });
  return { origin, close: () => server.close() };
}

/** Lets somebody in by a link, as whoever invited them would hand it over. */
export async function comeByLink(
  page: BrowserPage,
  { centre, origin, personId }: { centre: Centre; origin: string; personId: string },
): Promise<void> {
  const link = await centre.db.web.withActor(system('test'), (tx) =>
    createSignInLink(tx, { personId, model: centre.model, now: new Date() }),
  );
  await page.goto(`${origin}/sign-in/link/${must(link).token}`);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

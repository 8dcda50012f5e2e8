/** Doors of the operator: alive, ready, figures; and the description of the API. */
import type { Registry } from 'prom-client';
import { may } from '#kernel/actor.ts';
import type { Kit } from './kit.ts';
import { openApiDocument } from './openapi.ts';
import { json, notFound, text } from './replies.ts';
import { api, type Route } from './route.ts';
import { securityTxt } from './security-txt.ts';

/** A check that hangs is not ready. */
const CHECK_MS = 3000;

export function operatorRoutes(kit: Pick<Kit, 'options' | 'now'>, registry: Registry): Route[] {
  let described: { readonly of: readonly Route[]; readonly document: object } | undefined;
  return [
    {
      ...open('/.well-known/security.txt'),
      // Not there where no contact is set: a file that names nobody helps nobody.
      handle: async () => {
        const { securityContact, origin } = kit.options;
        if (securityContact === undefined) return notFound();
        return text(200, securityTxt(securityContact, origin, kit.now()));
      },
    },
    {
      ...open('/healthz'),
      handle: async () => text(200, 'ok\n'),
    },
    {
      ...open('/readyz'),
      handle: async () => {
        const checks = await runChecks(kit.options.checks ?? {});
        const ready = Object.values(checks).every((state) => state === 'ok');
        return json(ready ? 200 : 503, { ready, checks });
      },
    },
    {
      ...open('/metrics'),
      kind: 'api',
      // Scrapers on this machine need no key; anybody else gets what an absent page gets.
      handle: async ({ actor, local }) =>
        local || may(actor, 'system.read')
          ? text(200, await registry.metrics(), registry.contentType)
          : notFound(),
    },
    api({
      method: 'GET',
      path: '/api/v1/openapi.json',
      access: 'public',
      api: { summary: 'This document', responses: {} },
      handle: async () => {
        const { routes, installation, origin } = kit.options;
        if (described?.of !== routes)
          described = { of: routes, document: openApiDocument(routes, { installation, origin }) };
        return json(200, described.document);
      },
    }),
  ];
}

function open(path: string): Pick<Route, 'method' | 'path' | 'access' | 'kind'> {
  return { method: 'GET', path, access: 'public', kind: 'callback' };
}

async function runChecks(
  checks: Readonly<Record<string, () => Promise<void>>>,
): Promise<Record<string, 'ok' | 'not ready'>> {
  const states = Object.entries(checks).map(async ([name, check]) => {
    const late = AbortSignal.timeout(CHECK_MS);
    const state = await Promise.race([
      check().then(
        () => 'ok' as const,
        () => 'not ready' as const,
      ),
      new Promise<'not ready'>((resolve) =>
        late.addEventListener('abort', () => resolve('not ready'), { once: true }),
      ),
    ]);
    return [name, state] as const;
  });
  return Object.fromEntries(await Promise.all(states));
}

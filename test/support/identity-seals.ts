/** What identity seals with, under a key of the tests. */
import { createHmac } from 'node:crypto';
import { IssuerClient, type CodeSeals, type IssuerSettings } from '#identity/index.ts';
import { open, seal } from '#kernel/sealed.ts';

const key = { id: 1, key: Buffer.alloc(32, 9) };
const index = (text: string) => createHmac('sha256', key.key).update(text).digest();

const codes: CodeSeals = {
  sealSecret: (id, secret) => seal(key, `authenticator_app|${id}`, secret),
  openSecret: (id, sealed) => open([key], `authenticator_app|${id}`, sealed),
  indexCode: (id, code) => index(`${id}|${code}`),
};

export const issuerSeals = {
  sealSettings: (id: string, settings: IssuerSettings) =>
    seal(key, `issuer|${id}`, JSON.stringify(settings)),
  openSettings: (id: string, sealed: Buffer) =>
    JSON.parse(open([key], `issuer|${id}`, sealed)) as IssuerSettings,
};

export const identitySeals = {
  issuers: { ...issuerSeals, client: new IssuerClient() },
  sealPhone: (_: string, e164: string) => ({
    sealed: Buffer.from(`sealed ${e164}`),
    index: index(e164),
  }),
  codes,
  indexNetwork: index,
};

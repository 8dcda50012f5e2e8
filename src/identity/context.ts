import type { Database, Tx } from '#db/database.ts';
import type { Installation } from '#web/index.ts';
import type { ChangeKind } from './changes/kind.ts';
import type { CodeSeals } from './codes.ts';
import type { IssuerClient } from './issuer-client.ts';
import type { IssuerSeals } from './issuer-model.ts';
import type { RoleModel } from './model.ts';
import type { PersonPhone } from './store.ts';
import type { PasskeySite } from './webauthn.ts';

/** What the pages of identity are made with. */
export type IdentityContext = {
  readonly database: Database;
  readonly model: RoleModel;
  readonly installation: Installation;
  /** For the links that are shown, such as `https://tocsin.example`. */
  readonly origin: string;
  /** The domain that passkeys are bound to: the host of `origin`, or one above it. */
  readonly passkeyDomain: string;
  /** The number that a person is woken on: as the dispatch engine opens it, and as replies find it. */
  readonly sealPhone: (personId: string, e164: string) => Pick<PersonPhone, 'sealed' | 'index'>;
  /** Of what signs in without a passkey. */
  readonly codes: CodeSeals;
  readonly issuers: IssuerSeals & { readonly client: IssuerClient };
  /** Changes of other slices that take two persons. */
  readonly changeKinds?: readonly ChangeKind[];
  /** Of a visitor's network: so that codes are counted and no address of anybody is kept. */
  readonly indexNetwork: (network: string) => Buffer;
  /** People are known here, organisations are not: the wiring says where they are asked for. */
  readonly organisations?: {
    readonly findByCode: (tx: Tx, code: string) => Promise<{ readonly id: string } | undefined>;
    readonly listNames: (
      tx: Tx,
      ids: readonly string[],
    ) => Promise<readonly { readonly id: string; readonly name: string }[]>;
    readonly listRegions: (
      tx: Tx,
    ) => Promise<readonly { readonly code: string; readonly name: string }[]>;
  };
};

/** Where passkeys are made and used, with the name that devices show beside them. */
export function siteOf({ passkeyDomain, origin, installation }: IdentityContext): PasskeySite {
  return { domain: passkeyDomain, origin, name: `Tocsin, ${installation.name}` };
}

/** The keys of the installation as what slices seal and open with. */
import { blindIndex, open, seal } from '#kernel/sealed.ts';
import type { CodeSeals, IssuerSeals, IssuerSettings } from '#identity/index.ts';
import type { InboxSeals } from '#dispatch/index.ts';
import type { DirectorySecrets } from '#organisations/index.ts';
import type { Keys } from '#sealing/index.ts';

export type Seals = InboxSeals & {
  readonly directory: DirectorySecrets;
  readonly openAddress: (contactPointId: string, sealed: Buffer) => string;
  readonly sealAddress: (contactPointId: string, e164: string) => Buffer;
  /** The number of somebody of the centre, found by the index that replies are found by. */
  readonly sealPhone: (personId: string, e164: string) => { sealed: Buffer; index: Buffer };
  readonly openReply: (replyId: string, sealed: Buffer) => string;
  readonly openSender: (replyId: string, sealed: Buffer) => string;
  readonly sealSettings: (gatewayId: string, settings: object) => Buffer;
  readonly openSettings: (gatewayId: string, sealed: Buffer) => unknown;
  /** Signs the addresses that undelivered mail comes back to. */
  readonly returnPathKey: Buffer;
  readonly indexAddress: (channel: 'text' | 'mail', normalised: string) => Buffer;
  readonly indexNetwork: (network: string) => Buffer;
  readonly codes: CodeSeals;
  readonly issuers: IssuerSeals;
};

/**
 * The keys as functions; each names the one context it may be used in, and asks for the key in the
 * moment it needs it, because keys are exchanged while processes run.
 */
export function sealsOf(keys: Keys): Seals {
  const { blindIndexKey } = keys;
  const sealPersonal = (context: string, text: string) =>
    seal(keys.keysOf('personal').current, context, text);
  const openPersonal = (context: string, sealed: Buffer) =>
    open(keys.keysOf('personal').all, context, sealed);
  const sealCredential = (context: string, text: string) =>
    seal(keys.keysOf('credential').current, context, text);
  const openCredential = (context: string, sealed: Buffer) =>
    open(keys.keysOf('credential').all, context, sealed);
  const indexAddress = (channel: 'text' | 'mail', normalised: string) =>
    blindIndex(blindIndexKey, channel, normalised);
  return {
    directory: {
      get addressKey() {
        return keys.keysOf('personal').current;
      },
      get openingKeys() {
        return keys.keysOf('personal').all;
      },
      blindIndexKey,
    },
    indexAddress,
    returnPathKey: blindIndex(blindIndexKey, 'return_path', 'key'),
    indexNetwork: (network) => blindIndex(blindIndexKey, 'network', network),
    codes: {
      sealSecret: (id, secret) => sealCredential(`authenticator_app|${id}`, secret),
      openSecret: (id, sealed) => openCredential(`authenticator_app|${id}`, sealed),
      indexCode: (id, code) => blindIndex(blindIndexKey, `sign_in_code|${id}`, code),
    },
    issuers: {
      sealSettings: (id, settings) => sealCredential(`issuer|${id}`, JSON.stringify(settings)),
      openSettings: (id, sealed) =>
        JSON.parse(openCredential(`issuer|${id}`, sealed)) as IssuerSettings,
    },
    indexNumber: (number) => indexAddress('text', number.replace(/\D/g, '')),
    sealNumber: (id, number) => sealPersonal(`reply_number|${id}`, number),
    sealContent: (id, content) => sealPersonal(`reply_content|${id}`, content),
    openSender: (id, sealed) => openPersonal(`reply_number|${id}`, sealed),
    openReply: (id, sealed) => openPersonal(`reply_content|${id}`, sealed),
    sealAddress: (id, e164) => sealPersonal(`contact_point|${id}`, e164),
    sealPhone: (id, e164) => ({
      sealed: sealPersonal(`contact_point|${id}`, e164),
      index: indexAddress('text', e164),
    }),
    openAddress: (id, sealed) => openPersonal(`contact_point|${id}`, sealed),
    sealSettings: (id, settings) => sealCredential(`gateway|${id}`, JSON.stringify(settings)),
    openSettings: (id, sealed) => JSON.parse(openCredential(`gateway|${id}`, sealed)) as unknown,
  };
}

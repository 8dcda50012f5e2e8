/** The secrets of the data folder as what slices seal and open with. */
import { blindIndex, open, seal, type SealingKey } from '#kernel/sealed.ts';
import type { Secrets } from '#db/data-folder.ts';
import type { InboxSeals } from '#dispatch/index.ts';
import type { DirectorySecrets } from '#organisations/index.ts';

export type Seals = InboxSeals & {
  readonly directory: DirectorySecrets;
  readonly openAddress: (contactPointId: string, sealed: Buffer) => string;
  readonly sealAddress: (contactPointId: string, e164: string) => Buffer;
  readonly openReply: (replyId: string, sealed: Buffer) => string;
  readonly openSender: (replyId: string, sealed: Buffer) => string;
  readonly sealSettings: (gatewayId: string, settings: object) => Buffer;
  readonly openSettings: (gatewayId: string, sealed: Buffer) => unknown;
  /** Signs the addresses that undelivered mail comes back to. */
  readonly returnPathKey: Buffer;
  readonly indexAddress: (channel: 'text' | 'mail', normalised: string) => Buffer;
  readonly indexNetwork: (network: string) => Buffer;
};

/** The keys of the data folder as functions; each names the one context it may be used in. */
export function sealsOf(secrets: Secrets): Seals {
  const key: SealingKey = {
    id: Number(secrets.addressKey.id),
    key: Buffer.from(secrets.addressKey.key, 'base64'),
  };
  const blindIndexKey = Buffer.from(secrets.blindIndexKey, 'base64');
  const indexAddress = (channel: 'text' | 'mail', normalised: string) =>
    blindIndex(blindIndexKey, channel, normalised);
  return {
    directory: { addressKey: key, blindIndexKey },
    indexAddress,
    returnPathKey: blindIndex(blindIndexKey, 'return_path', 'key'),
    indexNetwork: (network) => blindIndex(blindIndexKey, 'network', network),
    indexNumber: (number) => indexAddress('text', number.replace(/\D/g, '')),
    sealNumber: (id, number) => seal(key, `reply_number|${id}`, number),
    sealContent: (id, content) => seal(key, `reply_content|${id}`, content),
    openSender: (id, sealed) => open([key], `reply_number|${id}`, sealed),
    openReply: (id, sealed) => open([key], `reply_content|${id}`, sealed),
    sealAddress: (id, e164) => seal(key, `contact_point|${id}`, e164),
    openAddress: (id, sealed) => open([key], `contact_point|${id}`, sealed),
    sealSettings: (id, settings) => seal(key, `gateway|${id}`, JSON.stringify(settings)),
    openSettings: (id, sealed) => JSON.parse(open([key], `gateway|${id}`, sealed)) as unknown,
  };
}

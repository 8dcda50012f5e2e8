/**
 * Somebody who knows every reference and the addresses of our doors, and tells them what is not so.
 * None of it may move a message: who has no token is not heard, whoever has one speaks for its own
 * gateway alone, and no status moves back.
 */
import type { NewReceipt } from '#dispatch/store-inbox.ts';
import type { Entry } from './provider.ts';
import type { Random } from './random.ts';
import { tokenOf } from './parts.ts';

/** A call of a door. */
export type Callback = { readonly gatewayId: string; readonly token: string } & NewReceipt;

/** What is told about a request that a gateway has; `gatewayIds`: all there are. */
export function forge(
  random: Random,
  gatewayIds: readonly string[],
  { gatewayId, entry }: { readonly gatewayId: string; readonly entry: Entry },
): Callback {
  const { reference, providerId } = entry;
  const status = random.pick(['delivered', 'permanent-failure']);
  const told = { gatewayId, token: tokenOf(gatewayId), reference, providerId, status };
  const others = gatewayIds.filter((id) => id !== gatewayId);
  const other = others.length > 0 ? random.pick(others) : gatewayId;
  return random.pick<() => Callback>([
    () => ({ ...told, token: random.pick(['', tokenOf('nobody'), tokenOf(`${gatewayId} `)]) }),
    // The token of one gateway at the door of another.
    () => ({ ...told, token: other === gatewayId ? '' : tokenOf(other) }),
    // What was asked of one gateway, told by another.
    () =>
      other === gatewayId
        ? { ...told, token: '' }
        : { ...told, gatewayId: other, token: tokenOf(other) },
    // An attempt that was not made, and a message that there is not.
    () => ({
      ...told,
      reference: reference.replace(/\d+$/, (number) => String(Number(number) + 50)),
    }),
    () => ({ ...told, reference: reference.replace(entry.messageId, random.uuid()) }),
    () => ({ ...told, reference: random.pick([null, 'theirs', reference.slice(0, -4)]) }),
    // Back to where it was, and a word that nobody knows.
    () => ({ ...told, status: random.pick(['created', 'sending', 'pending', 'read', '']) }),
  ])();
}

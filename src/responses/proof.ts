/**
 * Answers to an enrolment: a text with the code proves its number, and nothing else is read into
 * it; the code of a mail is typed on a page.
 */
import { NOBODY } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { sendSingleMessage } from '#dispatch/index.ts';
import {
  findContactPointByIndex,
  proveByReply,
  type EnrolmentRules,
} from '#organisations/index.ts';
import { countTries, noteWrongCodes, refuseGuessing, type Visitor } from './guessing.ts';

export type CodeFrom = {
  /** The contact point it came from. */
  readonly id: string;
  readonly addressSealed: Buffer;
  readonly code: string;
  /** Where it came in. */
  readonly gatewayId: string;
};

/** False where nothing was asked of this number, or by another code. */
export async function takeProof(
  tx: Tx,
  { model, host }: { readonly model: EnrolmentRules; readonly host: string },
  { id: contactPointId, addressSealed, code, gatewayId }: CodeFrom,
): Promise<boolean> {
  const thanks = await proveByReply(tx, { contactPointId, code }, { rules: model, host });
  if (thanks === undefined) return false;
  const perHourMax = model.passiveRepliesPerHour;
  const to = { contactPointId, addressSealed, code, gatewayId, perHourMax };
  await sendSingleMessage(tx, { ...to, ...thanks });
  return true;
}

/** A code typed on the page, for the address that it went to. */
export async function proveWithCode(
  tx: Tx,
  typed: Visitor & { readonly channel: 'text' | 'mail'; readonly code: string },
  context: { readonly model: EnrolmentRules; readonly host: string },
): Promise<Outcome<void>> {
  const tooMany = refuseGuessing(await countTries(tx, [typed]), typed);
  const point = await findContactPointByIndex(tx, typed.channel, typed.addressIndex);
  if (tooMany !== undefined) return tooMany;
  const reply = { contactPointId: point?.id ?? NOBODY, code: typed.code };
  const { model: rules, host } = context;
  if ((await proveByReply(tx, reply, { rules, host })) !== undefined) return ok(undefined);
  await noteWrongCodes(tx, [typed]);
  return refused('invalid', 'That address and code do not belong together.', {
    code: 'Check the address and the four digits that came with our message',
  });
}

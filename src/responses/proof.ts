/** A text that answers an enrolment: it proves its number, and nothing else is read into it. */
import type { Tx } from '#db/database.ts';
import { answerReply } from '#dispatch/index.ts';
import { proveByReply, type EnrolmentRules } from '#organisations/index.ts';

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
  const body = await proveByReply(tx, { contactPointId, code }, { rules: model, host });
  if (body === undefined) return false;
  const perHourMax = model.passiveRepliesPerHour;
  await answerReply(tx, { contactPointId, addressSealed, code, body, gatewayId, perHourMax });
  return true;
}

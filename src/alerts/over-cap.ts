/** Texts that may cost more than the rules let them: said before anything is sent. Pure. */
import { formatMoney, priceOfTexts } from '#kernel/money.ts';
import {
  becauseTime,
  type Because,
  type OperatingModel,
  type Severity,
} from '#operating-model/index.ts';

export type OverCap = { readonly cap: string; readonly because: Because | undefined };

/** Where so many billed parts cost more than texts of this severity may; else undefined. */
export function overCap(
  model: OperatingModel,
  severity: Severity | undefined,
  fragments: number,
): OverCap | undefined {
  const cap = severity?.spendCapPence;
  if (severity === undefined || cap === undefined) return undefined;
  if (priceOfTexts(fragments, model.textPrice) <= cap) return undefined;
  return { cap: formatMoney(cap), because: becauseTime(model, severity, 'spend_cap') };
}

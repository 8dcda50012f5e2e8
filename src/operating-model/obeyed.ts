/** Which rules something obeyed at a moment, where it was moved to others since. */
import type { Tx } from '#db/database.ts';
import { severityFor } from './exercises.ts';
import type { OperatingModel, Severity } from './model.ts';
import { rulesOf } from './pin.ts';

/** A move to other rules; until then it obeyed these. */
export type RulesMove = { readonly movedAt: Date; readonly modelVersionBefore: string };

/** The version that was obeyed then; null: now, or at a time to come. */
export function obeyedAt(moves: readonly RulesMove[], current: string, at: Date | null): string {
  if (at === null) return current;
  const later = moves
    .filter(({ movedAt }) => movedAt > at)
    .toSorted((a, b) => Number(a.movedAt) - Number(b.movedAt));
  return later[0]?.modelVersionBefore ?? current;
}

/** The rules of an alert at any time, and its severity under them. */
export type ObeyedRules = {
  readonly model: OperatingModel;
  readonly severity: Severity | undefined;
};

export type RulesOverTime = ObeyedRules & {
  /** Those that were obeyed then; null: now. */
  at(moment: Date | null): ObeyedRules;
};

export async function rulesOverTime(
  tx: Tx,
  obeyed: {
    readonly severity: string;
    readonly exercise: boolean;
    readonly modelVersion: string;
    readonly moves: readonly RulesMove[];
  },
  inForce: OperatingModel,
): Promise<RulesOverTime> {
  const { moves, modelVersion } = obeyed;
  const known = new Map<string, ObeyedRules>();
  for (const version of [modelVersion, ...moves.map((move) => move.modelVersionBefore)]) {
    const model = await rulesOf(tx, version, inForce);
    known.set(version, { model, severity: severityFor(model, obeyed) });
  }
  const at = (moment: Date | null) => known.get(obeyedAt(moves, modelVersion, moment))!;
  return { ...at(null), at };
}

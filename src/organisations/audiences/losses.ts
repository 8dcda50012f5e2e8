/** Which saved audiences change by a change of the directory: tried out, taken back. */
import { ok, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { tryOut } from '../store-trial.ts';
import { listMemberCodes, listMembersAmong } from './store-members.ts';
import { listAudiences, type AudienceRow } from './store-saved.ts';

/** Those in use. */
export async function listAudiencesInUse(tx: Tx): Promise<AudienceRow[]> {
  return (await listAudiences(tx)).filter(({ retiredAt }) => retiredAt === null);
}

/** Of each audience: which of these organisations are in it on the day. */
export async function membersOfEach(
  tx: Tx,
  audiences: readonly AudienceRow[],
  among: { readonly onDate: string; readonly organisationIds: readonly string[] },
): Promise<ReadonlySet<string>[]> {
  const found: ReadonlySet<string>[] = [];
  for (const { question } of audiences)
    found.push(new Set(await listMembersAmong(tx, question, among)));
  return found;
}

/**
 * Audiences that have the organisation on one of these days now and would not after the change;
 * refused where the change itself is.
 */
export async function listAudiencesLeft(
  tx: Tx,
  { organisationId, days }: { readonly organisationId: string; readonly days: readonly string[] },
  change: () => Promise<Outcome<unknown>>,
): Promise<Outcome<Pick<AudienceRow, 'id' | 'name'>[]>> {
  const audiences = await listAudiencesInUse(tx);
  const inEach = async () => {
    const organisationIds = [organisationId];
    const found: ReadonlySet<string>[][] = [];
    for (const onDate of days)
      found.push(await membersOfEach(tx, audiences, { onDate, organisationIds }));
    return found;
  };
  const before = await inEach();
  return await tryOut(tx, async () => {
    const changed = await change();
    if (!changed.ok) return changed;
    const after = await inEach();
    const isLeft = (i: number) =>
      days.some((_, d) => before[d]![i]!.size > 0 && after[d]![i]!.size === 0);
    return ok(audiences.filter((_, i) => isLeft(i)).map(({ id, name }) => ({ id, name })));
  });
}

export type Changed<T> = { readonly value: T; readonly left: readonly AudienceLeft[] };
/** A saved audience that some left, and how many they are. */
export type AudienceLeft = { readonly name: string; readonly organisations: number };

/** Makes the change; says which audiences had some of these on the day and have them no more. */
export async function changeAndSayLeft<T>(
  tx: Tx,
  among: { readonly organisationIds: readonly string[]; readonly onDate: string },
  change: () => Promise<Outcome<T>>,
): Promise<Outcome<Changed<T>>> {
  const audiences = await listAudiencesInUse(tx);
  const before = await membersOfEach(tx, audiences, among);
  const changed = await change();
  if (!changed.ok) return changed;
  const after = await membersOfEach(tx, audiences, among);
  const left = audiences.map(({ name }, i) => {
    return { name, organisations: before[i]!.difference(after[i]!).size };
  });
  return ok({ value: changed.value, left: left.filter((one) => one.organisations > 0) });
}

/** What becomes of a saved audience on a day; codes of organisations. */
export type AudienceShift = {
  readonly name: string;
  readonly onDate: string;
  readonly went: readonly string[];
  readonly came: readonly string[];
};

/** Who would come into each audience and go out of it, by name and day; those that change. */
export async function listAudienceShifts(
  tx: Tx,
  days: readonly string[],
  change: () => Promise<unknown>,
): Promise<AudienceShift[]> {
  const audiences = await listAudiencesInUse(tx);
  if (audiences.length === 0) return [];
  const membersNow = async () => {
    const found: ReadonlySet<string>[] = [];
    for (const { question } of audiences)
      for (const day of days) found.push(new Set(await listMemberCodes(tx, question, day)));
    return found;
  };
  const before = await membersNow();
  const after = await tryOut(tx, async () => {
    await change();
    return await membersNow();
  });
  return audiences.flatMap(({ name }, a) =>
    days.flatMap((onDate, d) => {
      const [was, is] = [before, after].map((found) => found[a * days.length + d]!) as [
        ReadonlySet<string>,
        ReadonlySet<string>,
      ];
      const [went, came] = [[...was.difference(is)], [...is.difference(was)]];
      return went.length + came.length === 0 ? [] : [{ name, onDate, went, came }];
    }),
  );
}

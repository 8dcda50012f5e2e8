/** The verbs of mergers and splits: planned, looked at, confirmed, and carried out on their day. */
import { actorId, may, system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { handOverRoles } from '#identity/index.ts';
import {
  closePredecessors,
  countOpenPlans,
  findSuccession,
  handOverContacts,
  handOverLinks,
  insertParts,
  insertSuccession,
  listBodies,
  listDue,
  listHolders,
  lockConfirmed,
  markApplied,
  markConfirmed,
  markWithdrawn,
  type HeirOf,
  type SuccessionRow,
} from './store-succession.ts';
import { handOverTimes } from './store-times.ts';
import { handOverDomains } from '../contacts/store-domains.ts';
import { handOverUses } from '../suppliers/store-supplier.ts';
import { handOverTags } from '../suppliers/store-tag.ts';
import { lockImports } from '../imports/store-import.ts';
import { readLines, saveLines } from '../store-parents.ts';
import { handingOverOf, successionLines } from './lines.ts';
import {
  goesOn,
  heirsOf,
  predecessorsOf,
  successionErrors,
  successionMoves,
  successorsOf,
  type Body,
  type Heir,
  type Holder,
  type Part,
  type SuccessionState,
} from './succession.ts';

export type SuccessionPlan = {
  /** Of the form: posted twice it is one plan. */
  readonly id: string;
  /** `2026-04-01`: the first day of the successors. */
  readonly onDate: string;
  /** Codes: who takes over from whom. */
  readonly parts: readonly PlannedPart[];
  /**
   * Code of the successor that takes who stands below those it takes over from; of others, and
   * where it is absent, the first named.
   */
  readonly childrenTo?: string;
};

export type PlannedPart = { readonly predecessor: string; readonly successor: string };

/** One merger or split: everybody takes over from everybody. */
export function everyPair(
  predecessors: readonly string[],
  successors: readonly string[],
): PlannedPart[] {
  return predecessors.flatMap((predecessor) =>
    successors.map((successor) => ({ predecessor, successor })),
  );
}

const notAllowed = refused('forbidden', 'Your role may not change the directory.');
const gone = refused('not_found', 'There is no such merger or split.');

/** Keeps a plan; nothing follows from it before it is confirmed. */
export async function planSuccession(tx: Tx, plan: SuccessionPlan): Promise<Outcome<string>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  const codes = {
    predecessors: [...new Set(plan.parts.map(({ predecessor }) => predecessor))],
    successors: [...new Set(plan.parts.map(({ successor }) => successor))],
  };
  const bodies = {
    predecessors: await listBodies(tx, codes.predecessors),
    successors: await listBodies(tx, codes.successors),
  };
  const parts = partsOf(plan, bodies);
  const errors = {
    ...successionErrors({ onDate: plan.onDate, ...bodies, parts }),
    ...unknownErrors(codes, bodies),
    ...childrenErrors(plan, codes.successors),
  };
  if (Object.keys(errors).length > 0)
    return refused('invalid', 'Put right what is marked below.', errors);
  if ((await countOpenPlans(tx, idsOf(bodies.predecessors))) > 0)
    return refused('conflict', 'Another plan is open in which one of these hands over.', {
      predecessors: 'One of these hands over in another plan: withdraw that one first',
    });
  const { id, onDate } = plan;
  if (!(await insertSuccession(tx, { id, onDate, plannedBy: actorId(tx.actor) }))) return ok(id);
  await insertParts(tx, id, parts);
  const said = plan.parts.map(({ predecessor, successor }) => `${predecessor} ${successor}`);
  await record(tx, {
    action: 'succession.planned',
    subject: { kind: 'succession', id },
    detail: {
      onDate,
      parts: said,
      ...(plan.childrenTo !== undefined && { childrenTo: plan.childrenTo }),
    },
  });
  return ok(id);
}

type Bodies = Readonly<Record<'predecessors' | 'successors', readonly Body[]>>;

/** The pairs by id; what is not in the directory is left out, and complained of. */
function partsOf(
  { parts, childrenTo }: SuccessionPlan,
  { predecessors, successors }: Bodies,
): Part[] {
  const idOf = new Map([...predecessors, ...successors].map(({ code, id }) => [code, id]));
  const takerOf = new Map<string, string>();
  for (const { predecessor, successor } of parts)
    if (!takerOf.has(predecessor) || successor === childrenTo) takerOf.set(predecessor, successor);
  return parts.flatMap(({ predecessor, successor }) => {
    const [predecessorId, successorId] = [idOf.get(predecessor), idOf.get(successor)];
    if (predecessorId === undefined || successorId === undefined) return [];
    return [{ predecessorId, successorId, takesChildren: takerOf.get(predecessor) === successor }];
  });
}

function unknownErrors(
  codes: Readonly<Record<'predecessors' | 'successors', readonly string[]>>,
  found: Bodies,
): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const field of ['predecessors', 'successors'] as const) {
    const known = new Set(found[field].map(({ code }) => code));
    const unknown = codes[field].filter((code) => !known.has(code));
    if (unknown.length > 0) errors[field] = `Not in the directory: ${unknown.join(', ')}`;
  }
  return errors;
}

function childrenErrors(
  { childrenTo }: SuccessionPlan,
  successors: readonly string[],
): Record<string, string> {
  if (childrenTo === undefined || successors.includes(childrenTo)) return {};
  return { childrenTo: 'Name one of those who take over' };
}

/** Whom one of the successors will have; whom it has, once it is done or withdrawn. */
export function heirsAt(
  row: SuccessionRow,
  successor: Body,
  holders: readonly Holder[],
): readonly Heir[] {
  const before = isOpen(row.state) ? predecessorsOf(row, successor.id) : [];
  const givers = new Set(idsOf([successor, ...before]));
  return heirsOf(
    successor.id,
    holders.filter(
      ({ organisationId, active }) =>
        givers.has(organisationId) && (active || organisationId === successor.id),
    ),
  );
}

/** From now on it is carried out on its day; at once where that has come. */
export async function confirmSuccession(tx: Tx, id: string, today: string): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  const found = await findSuccession(tx, id);
  if (found === undefined) return gone;
  const errors = successionErrors(found);
  if (Object.keys(errors).length > 0)
    return refused('conflict', `The directory has changed: ${Object.values(errors).join('; ')}.`);
  if (!(await markConfirmed(tx, id, actorId(tx.actor))))
    return refused('conflict', 'It is not waiting to be confirmed any more.');
  await record(tx, {
    action: 'succession.confirmed',
    subject: { kind: 'succession', id },
    detail: { onDate: found.onDate },
  });
  if (found.onDate <= today) await apply(tx, id);
  return ok(undefined);
}

export async function withdrawSuccession(tx: Tx, id: string): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  if (!(await markWithdrawn(tx, id)))
    return refused('conflict', 'It is done or withdrawn already.');
  await record(tx, {
    action: 'succession.withdrawn',
    subject: { kind: 'succession', id },
    detail: {},
  });
  return ok(undefined);
}

/**
 * Carries out what is confirmed and whose day has come; says how many. Each by itself: one that
 * cannot be carried out is thrown when the others are done.
 */
export async function applyDueSuccessions(database: Database, today: string): Promise<number> {
  const actor = system('organisations');
  const due = await database.withActor(actor, (tx) => listDue(tx, today));
  const problems: unknown[] = [];
  let applied = 0;
  for (const id of due)
    try {
      const isDone = await database.withActor(
        actor,
        async (tx) => (await lockConfirmed(tx, id)) && (await apply(tx, id)),
      );
      if (isDone) applied += 1;
    } catch (error) {
      problems.push(error);
    }
  if (problems.length > 0) throw problems[0];
  return applied;
}

/**
 * False: the directory has changed since, and a successor would be closed. Then nobody closes and
 * everybody is told where they were, until the plan is withdrawn or the successor open again.
 */
async function apply(tx: Tx, id: string): Promise<boolean> {
  // An import that planned from contacts as they were would write over what is handed over.
  await lockImports(tx);
  const row = (await findSuccession(tx, id))!;
  if (hindranceOf(row) !== undefined) return false;
  const detail = await handOver(tx, row);
  await record(tx, { action: 'succession.applied', subject: { kind: 'succession', id }, detail });
  return true;
}

/** Carries it out, today or before its day; says how much was handed over. */
export async function handOver(tx: Tx, row: SuccessionRow): Promise<Record<string, number>> {
  const counts = await handOverDirectory(tx, row);
  let roles = 0;
  for (const { id } of row.predecessors)
    roles += await handOverRoles(tx, {
      giverIds: [id],
      takerIds: idsOf(successorsOf(row, id)),
      closingIds: goesOn(row, id) ? [] : [id],
    });
  return { ...counts, roles };
}

/** All of it but who keeps the contacts, which decides nothing of who is told. */
export async function handOverDirectory(
  tx: Tx,
  row: SuccessionRow,
): Promise<Record<string, number>> {
  const { id } = row;
  const holders = await listHolders(tx, id);
  const heirs = row.successors.flatMap((body) =>
    heirsAt(row, body, holders)
      .filter(({ contactIds }) => contactIds.length > 0)
      .map((heir): HeirOf => ({ ...heir, successorId: body.id })),
  );
  const domains = await handOverDomains(tx, id);
  const contacts = await handOverContacts(tx, heirs);
  const addresses = await handOverLinks(tx, heirs);
  const times = await handOverTimes(tx, heirs);
  const uses = await handOverUses(tx, id);
  const tags = await handOverTags(tx, id);
  const lines = successionLines(await readLines(tx), handingOverOf(row));
  await saveLines(tx, [...lines], 'Merger or split');
  const closed = await closePredecessors(tx, id);
  await markApplied(tx, id);
  return { contacts, addresses, times, domains, uses, tags, parents: lines.size, closed };
}

const idsOf = (bodies: readonly Body[]) => bodies.map(({ id }) => id);

/** Those that are no more from that day on. */
export function closingOf(row: SuccessionRow): Body[] {
  return row.predecessors.filter(({ id }) => !goesOn(row, id));
}

/** Why nobody could be told at a successor on its first day. */
export function hindranceOf(row: SuccessionRow): string | undefined {
  return isOpen(row.state) ? successionErrors(row)['successors'] : undefined;
}

export function isOpen(state: SuccessionState): boolean {
  return successionMoves[state].length > 0;
}

/**
 * Which rules are in force. At the first start those of the file; after that, whatever two people
 * adopted last: then the file is where changes are written, and no longer what is obeyed.
 */
import { createHash } from 'node:crypto';
import { record } from '#audit/index.ts';
import { actorId, nameOf } from '#kernel/actor.ts';
import type { Approved } from '#kernel/approved.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { diffModels } from './diff.ts';
import type { OperatingModel } from './model.ts';
import { parseOperatingModel } from './parse.ts';
import { pinVersion } from './pin.ts';
import {
  decideProposal,
  findInForce,
  insertAdoption,
  lockAdoptions,
  type ProposalRow,
} from './store-adoption.ts';

/**
 * A process starts with this file. It comes into force unless it is already, or people adopted
 * rules since: a file on some machine does not undo what two people decided.
 */
export async function adoptFile(tx: Tx, model: OperatingModel): Promise<void> {
  await lockAdoptions(tx);
  const newest = await findInForce(tx);
  if (newest !== undefined && (!newest.isFromFile || newest.sha256 === model.version)) return;
  await pinVersion(tx, model);
  await insertAdoption(tx, { sha256: model.version, proposalId: null });
  await recordAdoption(tx, model.version, { from: 'file' });
}

/** What a second person approves: this file, in the place of that one. */
export function hashOfChange({ base, sha256 }: Pick<ProposalRow, 'base' | 'sha256'>): string {
  return createHash('sha256').update(`${base} ${sha256}`).digest('hex');
}

/**
 * Puts a proposal in force: for all that begins from now on, in every process. Refused where other
 * rules came into force since it was proposed: it was not this change that was approved.
 */
export async function adoptProposal(
  tx: Tx,
  adoption: {
    readonly proposal: ProposalRow;
    readonly approved: Approved;
    readonly inForce: OperatingModel;
    readonly now: Date;
  },
): Promise<Outcome<OperatingModel>> {
  const { proposal, approved, inForce, now } = adoption;
  if (approved.hash !== hashOfChange(proposal))
    return refused('conflict', 'What was approved is not what is proposed.');
  await lockAdoptions(tx);
  const base = (await findInForce(tx))?.sha256 ?? inForce.version;
  if (base !== proposal.base) return refused('conflict', OTHER_RULES);
  const parsed = parseOperatingModel(proposal.yaml, 'the proposed file');
  if (!parsed.ok) return parsed;
  const decided = await decideProposal(tx, {
    id: proposal.id,
    to: 'adopted',
    by: actorId(tx.actor),
    byName: nameOf(tx.actor),
    now,
    reason: null,
  });
  if (!decided) return refused('conflict', 'Somebody decided over this change already.');
  await pinVersion(tx, parsed.value);
  await insertAdoption(tx, { sha256: proposal.sha256, proposalId: proposal.id });
  await recordAdoption(tx, proposal.sha256, { instead: proposal.base, from: proposal.id });
  return parsed;
}

const OTHER_RULES =
  'Other rules came into force since this was proposed. Take it back, and propose it again over those.';

async function recordAdoption(tx: Tx, version: string, detail: object): Promise<void> {
  const subject = { kind: 'operating_model', id: version };
  await record(tx, { action: 'operating_model.adopted', subject, detail: { ...detail } });
}

export type Rules = {
  readonly model: OperatingModel;
  /** What an operator should know, a sentence each; empty where all is as usual. */
  readonly notes: readonly string[];
};

/**
 * The rules to start with. `file` is the outcome of reading it. An adopted version that this
 * release no longer understands is passed over for the file, and said: the centre has to be able
 * to start after an upgrade.
 */
export async function findRules(tx: Tx, file: Outcome<OperatingModel>): Promise<Outcome<Rules>> {
  const row = await findInForce(tx);
  if (row === undefined) return file.ok ? ok({ model: file.value, notes: [] }) : file;
  const adopted = parseOperatingModel(row.yaml, 'the operating model in force');
  if (!adopted.ok)
    return file.ok
      ? ok({ model: file.value, notes: [NOT_UNDERSTOOD, adopted.message] })
      : refused('invalid', `${adopted.message}\n${file.message}`);
  return ok({ model: adopted.value, notes: notesOn(adopted.value, file, row.isFromFile) });
}

const NOT_UNDERSTOOD =
  'This release does not understand the operating model in force; that of the file is used instead. Bring the adopted one up to date and have it adopted again.';

function notesOn(
  inForce: OperatingModel,
  file: Outcome<OperatingModel>,
  isFromFile: boolean,
): string[] {
  const version = inForce.version.slice(0, 12);
  if (!file.ok) return [`${file.message}\nThe rules before it stay in force (${version}).`];
  if (isFromFile || file.value.version === inForce.version) return [];
  const changes = diffModels(inForce, file.value).map(({ says }) => says);
  const rest = changes.length - NAMED_MOST;
  const named = changes.slice(0, NAMED_MOST).join('; ') || 'comments alone';
  const more = rest > 0 ? `; and ${rest} more` : '';
  return [
    `The file of rules is not what is in force: ${version} was adopted, and holds. The file would change: ${named}${more}.`,
  ];
}

/** As many changes as a person reads at a start. */
const NAMED_MOST = 3;

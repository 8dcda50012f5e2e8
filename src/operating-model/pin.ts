import { record } from '#audit/index.ts';
import { refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import type { OperatingModel } from './model.ts';
import { parseOperatingModel } from './parse.ts';
import { findVersion, insertVersion } from './store.ts';

/**
 * Keeps the file this model came from, so that what begins now can be read under its rules for
 * ever. Returns the version to store with it; the first use of a version is in the audit.
 */
export async function pinVersion(tx: Tx, model: OperatingModel): Promise<string> {
  const isNew = await insertVersion(tx, model.version, model.source);
  if (isNew) {
    await record(tx, {
      action: 'operating_model.first_used',
      subject: { kind: 'operating_model', id: model.version },
    });
  }
  return model.version;
}

/** Files never change under their hash, so each is parsed once. */
const parsed = new Map<string, OperatingModel>();

/**
 * The rules that something began under: those in force where it is them. Where this release does
 * not understand the file any more those in force serve: what runs has to be steered by something.
 */
export async function rulesOf(
  tx: Tx,
  version: string,
  inForce: OperatingModel,
): Promise<OperatingModel> {
  if (version === inForce.version) return inForce;
  const known = parsed.get(version);
  if (known !== undefined) return known;
  const found = await findPinnedModel(tx, version);
  if (!found.ok) return inForce;
  parsed.set(version, found.value);
  return found.value;
}

/**
 * The model as it was when `version` was pinned. `not_found` where it never was; `invalid` where a
 * later release of the product no longer understands the file.
 */
export async function findPinnedModel(tx: Tx, version: string): Promise<Outcome<OperatingModel>> {
  const row = await findVersion(tx, version);
  if (row === undefined) return refused('not_found', 'No alert began under that version.');
  return parseOperatingModel(row.yaml, `operating model ${version.slice(0, 8)}`);
}

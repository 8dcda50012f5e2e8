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

/**
 * The model as it was when `version` was pinned. `not_found` where it never was; `invalid` where a
 * later release of the product no longer understands the file.
 */
export async function findPinnedModel(tx: Tx, version: string): Promise<Outcome<OperatingModel>> {
  const row = await findVersion(tx, version);
  if (row === undefined) return refused('not_found', 'No alert began under that version.');
  return parseOperatingModel(row.yaml, `operating model ${version.slice(0, 8)}`);
}

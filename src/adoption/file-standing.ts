/** How the file on this machine stands to the rules in force: it is where changes are written. */
import {
  checkOperatingModel,
  diffModels,
  printFinding,
  readModelFile,
  type Change,
  type OperatingModel,
} from '#operating-model/index.ts';

export type FileStanding =
  | { readonly is: 'same' }
  /** `changes` is empty where comments alone differ. */
  | { readonly is: 'different'; readonly changes: readonly Change[] }
  | { readonly is: 'wrong'; readonly errors: readonly string[] }
  | { readonly is: 'absent' };

export async function standingOfFile(path: string, inForce: OperatingModel): Promise<FileStanding> {
  const text = await readModelFile(path);
  if (!text.ok) return { is: 'absent' };
  if (text.value === inForce.source) return { is: 'same' };
  const { model, findings } = checkOperatingModel(text.value);
  if (model !== undefined) return { is: 'different', changes: diffModels(inForce, model) };
  const errors = findings.filter(({ level }) => level === 'error');
  return { is: 'wrong', errors: errors.map((one) => printFinding(one, nameOf(path))) };
}

/** Folders of the machine are nobody's business on a page. */
function nameOf(path: string): string {
  return path.split('/').at(-1) ?? path;
}

import type { Database } from '#db/database.ts';
import type { OperatingModel } from '#operating-model/index.ts';

/** What the pages of the rules are made with. */
export type AdoptionContext = {
  readonly database: Database;
  /** Those in force. */
  readonly model: OperatingModel;
  /** Where changes are written: the path of the file on this machine. */
  readonly modelFile: string;
};

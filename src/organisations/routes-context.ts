import type { Database } from '#db/database.ts';
import type { DirectorySecrets } from './imports/import-options.ts';
import type { AudienceRules, ImportRules } from './model.ts';
import type { TextPermissions } from './imports/parse-contact.ts';

export type OrganisationRoutesContext = {
  readonly database: Database;
  /** The operating model. */
  readonly model: AudienceRules & Pick<ImportRules, 'importedAloneADay'>;
  readonly secrets: DirectorySecrets;
  readonly textPermissions?: TextPermissions;
};

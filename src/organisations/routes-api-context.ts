/** What the routes of the API need from outside. */
import type { Database } from '#db/database.ts';
import type { DirectorySecrets } from './imports/actions.ts';
import type { ImportRules } from './model.ts';
import type { TextPermissions } from './imports/parse-contact.ts';

export type OrganisationApiContext = {
  readonly database: Database;
  readonly rules: ImportRules;
  readonly secrets: DirectorySecrets;
  readonly textPermissions?: TextPermissions;
};

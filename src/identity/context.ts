import type { Database } from '#db/database.ts';
import type { Installation } from '#web/index.ts';
import type { RoleModel, SessionLimits } from './model.ts';

/** What the pages of identity are made with. */
export type IdentityContext = {
  readonly database: Database;
  readonly model: RoleModel;
  readonly installation: Installation;
  /** For the links that are shown, such as `https://tocsin.example`. */
  readonly origin: string;
  readonly limits?: SessionLimits;
};

import type { Tx } from '#db/database.ts';
import type { AudienceRules, ContactRules } from './model.ts';
import type { OrganisationRoutesContext } from './imports/routes-import.ts';

/** An alert that is out and concerns an organisation: its chain is live meanwhile. */
export type RunningAlert = {
  readonly alertId: string;
  readonly number: number;
  readonly from: Date;
  /** Null while it runs. */
  readonly until: Date | null;
};

/** What the pages of contacts and organisations ask for. */
export type DirectoryContext = OrganisationRoutesContext & {
  readonly model: AudienceRules & ContactRules;
  /** The directory does not know alerts; the wiring says where they are asked for. */
  readonly alertsOf?: (tx: Tx, organisationId: string) => Promise<RunningAlert[]>;
};

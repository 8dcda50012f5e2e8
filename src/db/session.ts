/** What every connection of ours sets, as PostgreSQL's command line takes it. */
import { COMMITS_HERE } from './replicas.ts';

/**
 * Row-level security asks whether a row is among those of the visitor's organisations, and the
 * planner keeps such a list in memory if it fits. With PostgreSQL's 4 MB it does not from some
 * 200,000 contacts on: it then expects to read the list for each row, finds all plans as bad as
 * each other, and compared each of a million contacts with each of 20,000 organisations. From
 * 16 MB on the million is frozen in seconds. No statement takes it that does not need it.
 */
const WORK_MEMORY = '-c work_mem=32MB';

export const SESSION = `-c timezone=UTC ${COMMITS_HERE} ${WORK_MEMORY}`;

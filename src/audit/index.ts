/** The door of the audit: writing entries, reading them, and the log that proves them. */
export { findPersonalData, maskPersonalData, stopReasons } from './model.ts';
export type { Entry, EntryPage, NewEntry, Subject } from './model.ts';
export {
  everything,
  HOLD_REASON_MAX,
  liftLegalHold,
  putLegalHold,
  refuseOnHold,
  reviewLegalHold,
} from './legal-hold.ts';
export { findHoldOf, type HeldId, type LegalHold } from './store-legal-hold.ts';
export { record, recordAll } from './record.ts';
export { listEntries, type ListEntriesOptions } from './list.ts';
export { auditRoutes, type AuditContext } from './routes.ts';
export { Sequencer, type SequencerOptions, type Turn } from './sequencer.ts';
export { acceptRestore, eraseEntryDetail, rotateKey } from './actions.ts';
export { asLine, readLog } from './export.ts';
export { readCheckpoints } from './checkpoint-file.ts';
export { KEYS_FILE, readKeys, type LogKey } from './keys.ts';
export { originOf, parseVerifierKey, verifierKey } from './note.ts';
export { readHead as readLogHead, selectStowaways as findStowaways } from './store-log.ts';
export { listEntriesNaming, type NamingEntry } from './store-subject.ts';
export { verifyLog, type Verdict } from './verify.ts';

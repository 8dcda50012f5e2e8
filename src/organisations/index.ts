export {
  importContacts,
  importOrganisations,
  sealingContext,
  type DirectorySecrets,
  type ImportFile,
  type ImportOptions,
} from './actions.ts';
export {
  demonstrationSector,
  type DemonstrationFiles,
  type DemonstrationOptions,
} from './demonstration.ts';
export { importDemonstrationAudiences } from './demonstration-audiences.ts';
export { resolveParts, resolveQuestion, saveAudience } from './audiences.ts';
export {
  AUDIENCE_NAME_MAX,
  parseQuestionForm,
  questionAsFields,
  questionFields,
  readChoices,
} from './form-audience.ts';
export { nameForm } from './form-use.ts';
export {
  everybody,
  unknownCodeErrors,
  type AskedQuestion,
  type AudiencePreview,
  type AudienceRules,
  type AudienceQuestion,
  type ContactRules,
  type DirectoryRules,
  type ImportCounts,
  type ImportKind,
  type ImportResult,
  type RefusedRow,
} from './model.ts';
export {
  askForProof,
  PROOF_ASKED_TASK,
  proveByReply,
  sendQuestion,
  type EnrolmentRules,
} from './enrol.ts';
export {
  contactSessionsOf,
  forgetOwnCodes,
  OWN_CODE_TASK,
  sendOwnCode,
  type OwnDetailsRules,
} from './own-session.ts';
export { findOrganisationByCode } from './store-contacts.ts';
export { OWN_REPLACED_TASK, tellReplaced } from './own-details.ts';
export { ownDetailsRoutes } from './routes-own-details.ts';
export type { OwnRoutesContext } from './routes-own-session.ts';
export { markAnswered } from './store-enrol.ts';
export { changesFile, refusedFile } from './csv.ts';
export { Ended, fileInThread } from './in-thread.ts';
export { confirmRun, findOwnRun, IMPORT_TASK, keepUpload, type OwnRun } from './import-run.ts';
export { settleMapping } from './mapping.ts';
export { forgetImports } from './retention.ts';
export { importTasks } from './runner.ts';
export { previewUndo, undoImport } from './undo.ts';
export type { FileDone } from './work.ts';
export type { DirectoryContext, RunningAlert } from './context.ts';
export { historyLines, type HistoryLine } from './form-history.ts';
export { organisationRoutes } from './routes.ts';
export { runSchedule, type ScheduleRules } from './schedule.ts';
export { applyDueSuccessions } from './succeed.ts';
export { reachRoutes, type ReachRoutesContext } from './routes-reach.ts';
export type { OrganisationRoutesContext } from './routes-import.ts';
export { parseAudienceQuestion } from './parse-audience.ts';
export type { TextPermissions } from './parse-contact.ts';
export { questionShown, savedQuestion } from './routes-api-saved.ts';
export { audienceQuestion } from './routes-api-shapes.ts';
export { contactApiRoutes } from './routes-api-contacts.ts';
export { organisationApiRoutes } from './routes-api.ts';
export type { OrganisationApiContext } from './routes-api-context.ts';
export {
  findOrganisation,
  listOrganisationNames,
  listOrganisations,
  type ContactDetail,
  type OrganisationDetail,
  type OrganisationSearch,
  type OrganisationSummary,
} from './store.ts';
export {
  listRegions,
  listSystems,
  listUnknownCodes,
  type Place,
  type SystemPlace,
} from './store-places.ts';
export { listTrouble, type TroubleRow, type TroubleSearch } from './store-trouble.ts';
export { matchesOrganisation, matchesToldNow, previewAudience } from './store-audience.ts';
export { findAudience, listParts, type AudienceRow } from './store-saved.ts';
export { countChanges, listWillGo } from './store-members.ts';
export {
  findContactPointByIndex,
  listContactPointsByIndex,
  listOrganisationsOfContactPoint,
  type ContactPoint,
  type PointOrganisation,
} from './store-points.ts';
export { listChanges, type ChangeRow } from './store-history.ts';
export { listReachOfOrganisation, listReachOfPoints, type ReachOfContact } from './store-reach.ts';

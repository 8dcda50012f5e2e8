export { previewAudience } from './audiences/preview.ts';
export {
  importContacts,
  importOrganisations,
  sealingContext,
  type DirectorySecrets,
  type ImportFile,
  type ImportOptions,
} from './imports/actions.ts';
export {
  demonstrationSector,
  type DemonstrationFiles,
  type DemonstrationOptions,
} from './demonstration/demonstration.ts';
export { importDemonstrationAudiences } from './demonstration/demonstration-audiences.ts';
export { resolveParts, resolveQuestion, saveAudience } from './audiences/audiences.ts';
export {
  AUDIENCE_NAME_MAX,
  parseQuestionForm,
  questionAsFields,
  questionFields,
  readChoices,
  readNames,
} from './audiences/form-audience.ts';
export { nameForm } from './suppliers/form-use.ts';
export {
  everybody,
  spellingKey,
  unknownCodeErrors,
  type AskedQuestion,
  type AudiencePreview,
  type AudienceRules,
  type AudienceQuestion,
  type ContactRules,
  type ImportRules,
  type DirectoryRules,
  type ImportCounts,
  type ImportKind,
  type ImportResult,
  type RefusedRow,
} from './model.ts';
export {
  askForProof,
  PROOF_ASKED_TASK,
  noteStop,
  proveByReply,
  sendQuestion,
  type EnrolmentRules,
} from './proof/enrol.ts';
export {
  contactSessionsOf,
  forgetOwnCodes,
  OWN_CODE_TASK,
  sendOwnCode,
  type OwnDetailsRules,
} from './own/own-session.ts';
export { letBackChange } from './cut-off/change-let-back.ts';
export { cutOff, letBack, type CuttingOff, type WasCutOff } from './cut-off/cut-off.ts';
export { findCutOff, listCutOff, listCutOffOf, type CutOffRow } from './cut-off/store-cut-off.ts';
export { findContact, findOrganisationByCode } from './contacts/store-contacts.ts';
export { findPointOfSession } from './own/store-own.ts';
export { OWN_REPLACED_TASK, tellReplaced } from './own/own-details.ts';
export { ownDetailsRoutes } from './own/routes-own-details.ts';
export type { OwnRoutesContext } from './own/routes-own-session.ts';
export { markAnswered } from './proof/store-enrol.ts';
export { changesFile, refusedFile } from './imports/csv.ts';
export { Ended, fileInThread } from './imports/in-thread.ts';
export { importChange } from './imports/change-import.ts';
export { confirmRun } from './imports/confirm-run.ts';
export { findOwnRun, IMPORT_TASK, keepUpload, type OwnRun } from './imports/import-run.ts';
export { settleMapping } from './imports/mapping.ts';
export { forgetContactsLeft, forgetImports, forgetUnusedPoints } from './retention.ts';
export { importTasks } from './imports/runner.ts';
export { previewUndo, undoImport } from './imports/undo.ts';
export type { FileDone } from './imports/work.ts';
export type { DirectoryContext, RunningAlert } from './context.ts';
export { historyLines, type HistoryLine } from './form-history.ts';
export { organisationRoutes } from './routes.ts';
export { runSchedule, type ScheduleRules } from './proof/schedule.ts';
export { applyDueSuccessions } from './successions/succeed.ts';
export { reachRoutes, type ReachRoutesContext } from './coverage/routes-reach.ts';
export type { OrganisationRoutesContext } from './imports/routes-import.ts';
export { parseAudienceQuestion } from './audiences/parse-audience.ts';
export type { TextPermissions } from './imports/parse-contact.ts';
export { questionShown, savedQuestion } from './audiences/routes-api-saved.ts';
export { audienceQuestion } from './routes-api-shapes.ts';
export { contactApiRoutes } from './contacts/routes-api-contacts.ts';
export { organisationApiRoutes } from './routes-api.ts';
export type { OrganisationApiContext } from './routes-api-context.ts';
export {
  findOrganisation,
  listOrganisationNames,
  listOrganisations,
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
export {
  listFailing,
  listTrouble,
  type TroubleRow,
  type TroubleSearch,
} from './proof/store-trouble.ts';
export { matchesOrganisation, matchesToldNow } from './audiences/store-audience.ts';
export { listOffDuty, type OffDuty } from './audiences/store-off-duty.ts';
export {
  findAudience,
  findAudienceByKey,
  findSaver,
  listSavers,
  listAudiences,
  listParts,
  type AudienceRow,
} from './audiences/store-saved.ts';
export { questionInWords } from './audiences/audience-words.ts';
export { recordListView } from './contacts/looks.ts';
export { NUMBERS_PER_MINUTE_MAX, openNumbers } from './contacts/numbers.ts';
export { listContacts, type ContactDetail } from './contacts/store-contact-list.ts';
export { countChanges, listWillGo } from './audiences/store-members.ts';
export {
  findContactPointByIndex,
  listContactPointsByIndex,
  listOrganisationsOfContactPoint,
  type ContactPoint,
  type PointOrganisation,
} from './contacts/store-points.ts';
export {
  deleteSubject,
  listSubjectContacts,
  listSubjectPoints,
  readSubjectHistory,
  type SubjectContact,
  type SubjectPoint,
} from './contacts/store-subject.ts';
export { endContact } from './contacts/contacts.ts';
export { sealedColumns as organisationsSealedColumns } from './store-sealed.ts';
export { listChanges, type ChangeRow } from './store-history.ts';
export { listNamesInUse, type NameInUse } from './store-names.ts';
export {
  listPhonesOfOrganisation,
  listReachOfOrganisation,
  listReachOfPoints,
  listRolesOfPoints,
  type PhoneOfContact,
  type ReachOfContact,
} from './coverage/store-reach.ts';
export { putHold } from './legal-holds/legal-holds.ts';
export { listHolds, type HoldTarget, type StandingHold } from './legal-holds/store-legal-holds.ts';

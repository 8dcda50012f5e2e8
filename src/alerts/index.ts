/** The door of alerts: what upper slices and the wiring may call. */
export { owedReview } from './alone/alone.ts';
export { owedAnnouncement } from './announce.ts';
export { approveAndRelease, returnAlert, withdrawAlert } from './decide.ts';
export { closeAlert, closeAndTell } from './close.ts';
export { beginVersion } from './correct.ts';
export { createAlert, saveDraft, type Draft } from './draft.ts';
export { abandonAlert } from './drafts/give-up.ts';
export { noContent, sectionsOf, type Section } from './content/model.ts';
export { importCatalogue } from './kev/catalogue.ts';
export { parseCatalogue } from './kev/parse.ts';
export { bodyOf, composeRounds, type ComposedMessage, type Reachable } from './compose.ts';
export { linesFor, type Lines } from './capacity.ts';
export {
  bucketAtRelease,
  takeTokens,
  type Bucket,
  type Capacity,
  type Refill,
} from './forecast.ts';
export { markOf, renderingFor, unchasedReaders } from './rendering.ts';
export { whatForbids } from './exercise.ts';
export { renderRounds, textFor, type RoundTemplate } from './texts.ts';
export { listAsked, listReachable, type AskedOrganisation } from './store-people.ts';
export { renderMarkdown } from './markdown.ts';
export type { Wording } from './model.ts';
export {
  blanksFor,
  dueWords,
  owedApproval,
  owedUpdate,
  sleepsThrough,
  REGIONS_TASK,
  type WakingWords,
} from './owed.ts';
export type { AlertContext } from './rendering.ts';
export { alertRoutes, type AlertRoutesContext } from './routes.ts';
export { alertApiRoutes, type AlertApiContext } from './routes-api.ts';
export { behindProof } from './proof-wall.ts';
export { proveDispatch, type ProofContext } from './proof.ts';
export { recallAlert, sendAlertNow } from './recall.ts';
export { listAlerts, listAlertsOfOrganisation, type AlertOfOrganisation } from './store-list.ts';
export { findSubmission } from './store-submission.ts';
export { findVersion, readIsExerciseOut, type VersionRow } from './store.ts';
export { findPublicAlert } from './public/store-public.ts';
export { PUBLIC_FOR_SECONDS, publicWords } from './public/words.ts';
export { sectionsOfVersion } from './sections.ts';
export { submitAlert } from './submit.ts';
export { withdrawReleased } from './withdraw.ts';

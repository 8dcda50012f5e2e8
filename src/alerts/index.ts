/** The door of alerts: what upper slices and the wiring may call. */
export { approveAndRelease, returnAlert, withdrawAlert } from './decide.ts';
export { closeAlert, closeAndTell } from './close.ts';
export { beginVersion } from './correct.ts';
export { abandonAlert, createAlert, saveDraft, type Draft } from './draft.ts';
export { renderMarkdown } from './markdown.ts';
export type { Wording } from './model.ts';
export type { AlertContext } from './rendering.ts';
export { alertRoutes, type AlertRoutesContext } from './routes.ts';
export { alertApiRoutes, type AlertApiContext } from './routes-api.ts';
export { recallAlert, sendAlertNow } from './recall.ts';
export { listAlertsOfOrganisation, type AlertOfOrganisation } from './store-list.ts';
export { findSubmission } from './store-submission.ts';
export { findVersion, type VersionRow } from './store.ts';
export { findPublicAlert } from './public/store-public.ts';
export { PUBLIC_FOR_SECONDS, publicWords } from './public/words.ts';
export { submitAlert } from './submit.ts';
export { WAKE_TASK, wakeApprovers } from './wake.ts';
export { withdrawReleased } from './withdraw.ts';

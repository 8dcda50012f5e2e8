/** The door of responses: answers of organisations, and the duty desk. */
export { ringReason, type RingReason } from './calls/model.ts';
export { handleReplies } from './replies.ts';
export type { AnswerContext } from './reply-texts.ts';
export { forgetOldNotes } from './retention.ts';
export { listOpenAnswers, type OpenAnswers } from './store-list.ts';
export { deleteOldTries } from './store.ts';
export { eraseSubjectNotes, readSubjectAnswers } from './store-subject.ts';
export { owedCall } from './owed.ts';
export { tellRegions } from './regions.ts';
export { responseRoutes } from './routes.ts';
export type { ResponseRoutesContext } from './context.ts';
export { responseApiRoutes, type ResponseApiContext } from './routes-api.ts';

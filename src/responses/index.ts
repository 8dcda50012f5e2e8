/** The door of responses: answers of organisations, and the duty desk. */
export { handleReplies, type AnswerContext } from './replies.ts';
export { deleteOldTries } from './store.ts';
export { responseRoutes, type ResponseRoutesContext } from './routes.ts';
export { responseApiRoutes, type ResponseApiContext } from './routes-api.ts';

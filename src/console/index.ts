/** The door of the console: it owns no tables and reads the views of the others. */
export type { BoardContext } from './context.ts';
export { LiveViews } from './live.ts';
export { consoleRoutes } from './routes.ts';
export type { ConsoleContext } from './context.ts';
export { consoleApiRoutes, type ConsoleApiContext } from './routes-api.ts';
export { explainAlert } from './because.ts';
export type { Explained } from './model.ts';
export { findLiveByNumber } from './store.ts';

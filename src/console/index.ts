/** The door of the console: it owns no tables and reads the views of the others. */
export { LiveViews } from './live.ts';
export { consoleRoutes, type ConsoleContext } from './routes.ts';
export { consoleApiRoutes, type ConsoleApiContext } from './routes-api.ts';

/** Every page of the console: the duty desk, boards, and the lists behind their numbers. */
import type { Route } from '#web/index.ts';
import type { ConsoleContext } from './context.ts';
import { becauseRoute, singlesRoute } from './routes-because.ts';
import { boardRoutes } from './routes-board.ts';
import { deskRoutes } from './routes-desk.ts';
import { listRoutes } from './routes-lists.ts';

export function consoleRoutes(context: ConsoleContext): Route[] {
  return [
    ...deskRoutes(context),
    ...boardRoutes(context),
    ...listRoutes(context),
    becauseRoute(context),
    singlesRoute(context),
  ];
}

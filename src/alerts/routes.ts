/** The pages of alerts: writing them, and deciding over them. */
import type { Route } from '#web/index.ts';
import type { AlertRoutesContext } from './pages.ts';
import { aloneRoutes } from './alone/routes-alone.ts';
import { decidingRoutes } from './routes-deciding.ts';
import { publicRoutes } from './public/routes-public.ts';
import { kevRoutes } from './kev/routes.ts';
import { draftRoutes } from './drafts/routes-drafts.ts';
import { dryRunRoutes } from './routes-dry-run.ts';
import { holdingRoutes } from './routes-holding.ts';
import { uncertainRoutes } from './routes-uncertain.ts';
import { endingRoutes } from './routes-ending.ts';
import { moveRulesRoutes } from './routes-move-rules.ts';
import { versionsRoutes } from './routes-versions.ts';
import { writingRoutes } from './routes-writing.ts';

export type { AlertRoutesContext } from './pages.ts';

export function alertRoutes(context: AlertRoutesContext): Route[] {
  return [
    ...aloneRoutes(context),
    ...holdingRoutes(context),
    ...writingRoutes(context),
    ...draftRoutes(context),
    ...dryRunRoutes(context),
    ...decidingRoutes(context),
    ...endingRoutes(context),
    ...moveRulesRoutes(context),
    ...uncertainRoutes(context),
    ...publicRoutes(context),
    ...versionsRoutes(context),
    ...kevRoutes(context),
  ];
}

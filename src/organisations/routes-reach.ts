/** Whether those who must be reached can be: coverage, what is to be mended, proof of numbers. */
import type { Route } from '#web/index.ts';
import { coverageRoutes, type CoverageRoutesContext } from './routes-coverage.ts';
import { enrolmentRoutes, type EnrolmentRoutesContext } from './routes-enrol.ts';
import { scheduleRoutes, type ScheduleRoutesContext } from './routes-schedule.ts';
import { successionRoutes, type SuccessionRoutesContext } from './routes-succession.ts';
import { ourContactsRoutes } from './routes-our-contacts.ts';
import { mendRoutes, type MendRoutesContext } from './routes-mend.ts';

export type ReachRoutesContext = CoverageRoutesContext &
  MendRoutesContext &
  EnrolmentRoutesContext &
  ScheduleRoutesContext &
  SuccessionRoutesContext;

export function reachRoutes(context: ReachRoutesContext): Route[] {
  return [
    ...coverageRoutes(context),
    ...mendRoutes(context),
    ...ourContactsRoutes(context),
    ...enrolmentRoutes(context),
    ...scheduleRoutes(context),
    ...successionRoutes(context),
  ];
}

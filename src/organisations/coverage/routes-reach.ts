/** Whether those who must be reached can be: coverage, what is to be mended, proof, attestation. */
import type { Route } from '#web/index.ts';
import { coverageRoutes, type CoverageRoutesContext } from './routes-coverage.ts';
import { enrolmentRoutes, type EnrolmentRoutesContext } from '../proof/routes-enrol.ts';
import { scheduleRoutes, type ScheduleRoutesContext } from '../proof/routes-schedule.ts';
import {
  successionRoutes,
  type SuccessionRoutesContext,
} from '../successions/routes-succession.ts';
import { stillRightRoutes, type StillRightRoutesContext } from '../proof/routes-still-right.ts';
import { ourContactsRoutes } from '../own/routes-our-contacts.ts';
import { mendRoutes, type MendRoutesContext } from '../proof/routes-mend.ts';

export type ReachRoutesContext = CoverageRoutesContext &
  MendRoutesContext &
  EnrolmentRoutesContext &
  ScheduleRoutesContext &
  SuccessionRoutesContext &
  StillRightRoutesContext;

export function reachRoutes(context: ReachRoutesContext): Route[] {
  return [
    ...coverageRoutes(context),
    ...mendRoutes(context),
    ...ourContactsRoutes(context),
    ...enrolmentRoutes(context),
    ...scheduleRoutes(context),
    ...stillRightRoutes(context),
    ...successionRoutes(context),
  ];
}

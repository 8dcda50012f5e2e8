/** What the statements about uncertain messages may be asked. */
import { planned, type Calls } from './scene.ts';

export const uncertain: Pick<
  Calls,
  | 'listUncertain'
  | 'insertRiskDecision'
  | 'applyRiskDecisions'
  | 'listWaitingDeputies'
  | 'readyDeputies'
> = {
  listUncertain: (scene) => [planned(scene)],
  insertRiskDecision: (scene) => {
    const dispatchId = planned(scene);
    // Of two that wait for one dispatch either may be the one by which a message goes again.
    const waits = [...scene.base.tables.riskDecision.values()].some(
      (decision) => decision.dispatchId === dispatchId && decision.appliedAt === null,
    );
    return waits ? undefined : [{ dispatchId, decidedBy: 'an officer', reason: 'nobody knows' }];
  },
  applyRiskDecisions: () => [],
  listWaitingDeputies: () => [],
  readyDeputies: (scene) => [{ dispatchId: planned(scene), clock: '03:02' }],
};

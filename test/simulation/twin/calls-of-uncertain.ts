/** What the statements about uncertain messages may be asked. */
import { mostly, planned, type Calls, type Scene } from './scene.ts';

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
  readyDeputies: (scene) => {
    const dispatchId = mostly(scene, waitingDispatches(scene), () => planned(scene));
    return [dispatchId];
  },
};

/** Dispatches with something unknown, and somebody who is not told yet. */
function waitingDispatches({ base }: Scene): string[] {
  return [...base.tables.dispatch.keys()].filter((id) => {
    const states = base.messagesOf(id).map(({ state }) => state);
    return states.includes('unknown') && states.includes('held');
  });
}

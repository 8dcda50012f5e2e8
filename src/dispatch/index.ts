/** The door of the dispatch engine: what other slices may call. */
export {
  sendSingleMessages,
  sendSingleMessage,
  cancelDispatch,
  pauseDispatch,
  planDispatch,
  releaseDispatch,
  resumeDispatch,
  sealDispatch,
  standDown,
  type Steering,
} from './actions.ts';
export { isNeeded, spacedDue } from './chase.ts';
export { Auditor, readAudit, type AuditReport } from './auditor.ts';
export type { Proof, Prove } from './proof.ts';
export { countProvenAlone, findProof, type ProofParts } from './store-proof.ts';
export { hashOfCorrection, releaseCorrection, releaseEnding } from './correct.ts';
export { forgetOld, type Retention } from './retention.ts';
export { recallDispatch, sendNow } from './recall.ts';
export { openAddressesBut, stopAddresses } from './stop.ts';
export { Engine, type EngineOptions } from './engine.ts';
export type { Gateway } from './gateways/gateway.ts';
export type { Clocks } from './lease.ts';
export { gatewayKinds, type GatewayKind } from './gateways/capabilities.ts';
export { startBounceListener, type BounceListener } from './bounces.ts';
export { bucketOf, openGateway, parseGatewaySettings } from './gateways/settings.ts';
export { openNotifyGateway, type NotifySettings } from './gateways/notify.ts';
export { parseNotifyKey } from './gateways/notify-contract.ts';
export { openSmppGateway, type SmppSettings } from './gateways/smpp.ts';
export { openSmtpGateway, type SmtpSettings } from './gateways/smtp.ts';
export { REPLY_TASK, type InboxSeals } from './inbox.ts';
export { ledgerCaveat, ledgerParts, ledgerSentence } from './ledger.ts';
export { states, type DispatchPlan, type MessageState, type NumberLimit } from './model.ts';
export { messageEvents, readHistories, type MessageEventKind } from './history.ts';
export { riskSecondCopies, type RiskDecision } from './uncertain.ts';
export { listUncertain, type UncertainRow } from './store-uncertain.ts';
export { resumeAfterRestore, type Resumption } from './resume.ts';
export { readHold, type HoldRow } from './store-resume.ts';
export { sendWithoutReplica, waitForReplica } from './replica.ts';
export { readReplica, type Replica } from './store-replica.ts';
export { replicaRoutes } from './routes-replica.ts';
export { callbackRoutes } from './routes.ts';
export type { Probing } from './probe.ts';
export { gatewayRoutes } from './routes-gateways.ts';
export { dispatchApiRoutes, type DispatchApiContext } from './routes-api.ts';
export {
  findDispatch,
  listRounds as listDispatchRounds,
  type DispatchRow,
} from './store-history.ts';
export {
  addToken,
  dropTokens,
  removeGateway,
  saveGateway,
  type NewGateway,
} from './manage-gateways.ts';
export {
  listGatewayCards,
  listGateways,
  upsertGateway,
  type GatewayCard,
  type GatewayRow,
  type GatewaySeed,
} from './store-gateway.ts';
export type { SingleMessage } from './store-answer.ts';
export { retimeDispatch, type Retiming } from './retime.ts';
export { readLedger, type Ledger, type LedgerCounts } from './store-ledger.ts';
export { reserveTokens } from './store-bucket.ts';
export {
  countSubjectUnderWay,
  eraseSubjectMessages,
  listSubjectMessages,
  listSubjectReplies,
} from './store-subject.ts';
export { sealedColumns as dispatchSealedColumns } from './store-sealed.ts';
export { countMessages, hashContent, type MessageCounts } from './store-plan.ts';
export { lockWaitingReplies, markRepliesHandled, type KeptReply } from './store-inbox.ts';

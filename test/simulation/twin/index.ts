/**
 * The statements of the engine and their twins. A statement without a twin, or a twin that takes or
 * gives something else, is an error of types; `statements.test.ts` says it in words.
 */
import * as storeAnswer from '#dispatch/store-answer.ts';
import * as storeAudit from '#dispatch/store-audit.ts';
import * as storeAuditor from '#dispatch/store-auditor.ts';
import * as storeCheck from '#dispatch/store-check.ts';
import * as storeContinuity from '#dispatch/store-continuity.ts';
import * as storeGateway from '#dispatch/store-gateway.ts';
import * as storeHome from '#dispatch/store-home.ts';
import * as storeGatewayPage from '#dispatch/store-gateway-page.ts';
import * as storeHistory from '#dispatch/store-history.ts';
import * as storeInbox from '#dispatch/store-inbox.ts';
import * as storeCorrect from '#dispatch/store-correct.ts';
import * as storeLedger from '#dispatch/store-ledger.ts';
import * as storePart from '#dispatch/store-part.ts';
import * as storeRecall from '#dispatch/store-recall.ts';
import * as storeReplica from '#dispatch/store-replica.ts';
import * as storeResume from '#dispatch/store-resume.ts';
import * as storeRetention from '#dispatch/store-retention.ts';
import * as storeBreaker from '#dispatch/store-breaker.ts';
import * as storeBucket from '#dispatch/store-bucket.ts';
import * as storeUncertain from '#dispatch/store-uncertain.ts';
import * as storePoll from '#dispatch/store-poll.ts';
import * as storeSpace from '#dispatch/store-space.ts';
import * as storePlan from '#dispatch/store-plan.ts';
import * as storeRounds from '#dispatch/store-rounds.ts';
import * as storeSend from '#dispatch/store-send.ts';
import * as storeSettled from '#dispatch/store-settled.ts';
import * as storeStopped from '#dispatch/store-stopped.ts';
import type { Tx } from '#db/database.ts';
import * as answer from './answer.ts';
import * as audit from './audit.ts';
import * as auditor from './auditor.ts';
import * as check from './check.ts';
import * as continuity from './continuity.ts';
import * as gateway from './gateway.ts';
import * as gatewayPage from './gateway-page.ts';
import * as history from './history.ts';
import * as home from './home.ts';
import * as inbox from './inbox.ts';
import * as correct from './correct.ts';
import * as ledger from './ledger.ts';
import * as part from './part.ts';
import * as recall from './recall.ts';
import * as replica from './replica.ts';
import * as retention from './retention.ts';
import * as breaker from './breaker.ts';
import * as bucket from './bucket.ts';
import * as uncertain from './uncertain.ts';
import * as poll from './poll.ts';
import * as space from './space.ts';
import * as plan from './plan.ts';
import * as rounds from './rounds.ts';
import type { Base } from './rows.ts';
import * as send from './send.ts';
import * as settled from './settled.ts';
import * as stopped from './stopped.ts';

const stores = {
  ...storeAnswer,
  ...storeAudit,
  ...storeAuditor,
  ...storeCheck,
  ...storeContinuity,
  ...storeGateway,
  ...storeGatewayPage,
  ...storeHistory,
  ...storeHome,
  ...storeInbox,
  ...storeCorrect,
  ...storeLedger,
  ...storePart,
  ...storeRecall,
  ...storeReplica,
  ...storeResume,
  ...storeRetention,
  ...storeBreaker,
  ...storeBucket,
  ...storePoll,
  ...storeUncertain,
  ...storeSpace,
  ...storePlan,
  ...storeRounds,
  ...storeSend,
  ...storeSettled,
  ...storeStopped,
};

type Statement = (tx: Tx, ...rest: never[]) => Promise<unknown>;
type Statements = {
  [
    K in keyof typeof stores as (typeof stores)[K] extends Statement ? K : never
  ]: (typeof stores)[K];
};

/** What the twin of a statement must be: the same, on rows in memory. */
type TwinOf<S> = S extends (tx: Tx, ...rest: infer Rest) => Promise<infer Result>
  ? (base: Base, ...rest: Rest) => Result
  : never;

export type Twin = { [K in keyof Statements]: TwinOf<Statements[K]> };

/** The statements as they run on PostgreSQL, by name. */
export const statements: Statements = stores;

export const twin: Twin = {
  ...answer,
  ...audit,
  ...auditor,
  ...check,
  ...continuity,
  ...gateway,
  ...gatewayPage,
  ...history,
  ...home,
  ...inbox,
  ...correct,
  ...ledger,
  ...part,
  ...recall,
  ...replica,
  ...retention,
  ...breaker,
  ...bucket,
  ...poll,
  ...uncertain,
  ...space,
  ...plan,
  ...rounds,
  ...send,
  ...settled,
  ...stopped,
};

export { Base } from './rows.ts';

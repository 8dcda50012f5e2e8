export type { SigningIn } from './signing-in.ts';
export { blanksOf, fillBlanks } from './blanks.ts';
export { channels, OWNER, severityById } from './model.ts';
export { axisNames } from './judging.ts';
export type {
  Channel,
  HoldingText,
  Ladder,
  OperatingModel,
  OrganisationType,
  Outlet,
  Role,
  Round,
  Severity,
  TextName,
  WakeStep,
} from './model.ts';
export {
  EXERCISE_LANE,
  EXERCISES_WITHIN_MS,
  exerciseHours,
  isExerciseHour,
  marked,
  severityFor,
} from './exercises.ts';
export { stepsOf, type Step } from './steps.ts';
export { combinationsOf, proposeSeverity, type Answers, type Proposal } from './matrix.ts';
export { diffModels, type Change } from './diff.ts';
export {
  becauseAlone,
  becauseAnswers,
  becauseApproval,
  becauseCallBack,
  becauseCallWoken,
  becauseChosen,
  becauseClocks,
  becauseExercise,
  becauseMessage,
  becauseNextUpdate,
  becauseNumberLimit,
  becauseProbe,
  becauseReview,
  becauseRight,
  becauseRound,
  becauseCallList,
  becauseTime,
  whenOf,
} from './because.ts';
export {
  becauseFollowing,
  becauseSent,
  followingText,
  type Dispatched,
  type Following,
} from './because-following.ts';
export {
  becauseSingle,
  regionRule,
  singleReason,
  singleRulesOf,
  type SingleReason,
  type SingleRule,
} from './because-single.ts';
export { anchorOf, fileKeyOf, pageOfRules, type Because } from './reason.ts';
export {
  obeyedAt,
  rulesOverTime,
  type ObeyedRules,
  type RulesMove,
  type RulesOverTime,
} from './obeyed.ts';
export { movingOf, type Moving } from './moving.ts';
export { expiryTimes, ladderOf, regionTime, roundTimes, type Rung } from './ladder.ts';
export { explainSeverity } from './explain-model.ts';
export { jsonSchema } from './json-schema.ts';
export { partWords } from './parts.ts';
export { checkOperatingModel, parseOperatingModel, type Checked } from './parse.ts';
export { printFinding, type Finding } from './findings.ts';
export { formatDuration, spokenDuration } from './durations.ts';
export { loadOperatingModel, readModelFile } from './load.ts';
export { findPinnedModel, pinVersion, rulesOf } from './pin.ts';
export { adoptFile, adoptProposal, findRules, hashOfChange, type Rules } from './adopt.ts';
export {
  decideProposal,
  findInForce,
  findNewestProposal,
  findProposal,
  findWaitingProposal,
  insertProposal,
  listAdoptions,
  type AdoptionRow,
  type ProposalRow,
} from './store-adoption.ts';
export { listVersions, type VersionRow } from './store.ts';
export { nearestName } from './nearest.ts';

/** The door of identity: people, sign-in, keys, and what needs two persons. */
export { apiKeysOf, idempotencyOf, sessionsOf } from './adapters.ts';
export { invitePerson, setActive, setPhone, type Invitation } from './actions.ts';
export {
  endRole,
  endLapsed as endLapsedRoles,
  giveRole,
  handOverRoles,
  type Giving,
} from './roles.ts';
export {
  createSignInLink,
  endSession,
  signIn,
  signInForDemonstration,
  type SignIn,
  type SignInLink,
} from './sign-in.ts';
export { countPeopleOf, endAccessOf, type EndedAccess } from './cut-off.ts';
export { SIGN_IN_CODE_TASK, sendSignInCode, type CodeSeals } from './codes.ts';
export { SIGN_IN_CHANGED_TASK, tellOfSignIn } from './telling.ts';
export {
  saveIssuer,
  type IssuerWish,
  switchOffFederation,
  switchOffIssuer,
  switchOnIssuer,
} from './issuers.ts';
export { IssuerClient, type Network } from './issuer-client.ts';
export { logoutPath, returnPath, type IssuerSeals, type IssuerSettings } from './issuer-model.ts';
export { parseIssuerSettings } from './parse-issuer.ts';
export { selectIssuer as findIssuer, selectIssuers as listIssuers } from './store-issuer.ts';
export { needsRecovery, recoverFromTerminal } from './recovery.ts';
export {
  approve,
  approvedAlong,
  consumeApproval,
  letGoAlone,
  requestApproval,
  returnRequest,
  voidApproval,
  type Approval,
  type Ending,
  type RequestForApproval,
} from './approvals.ts';
export { proveApproval, type ApprovalProved } from './approval-proof.ts';
export { checkSignatures, type CheckedSignatures } from './approval-signature.ts';
export { shaped, type ApprovalRequest, type ApprovalState } from './approval-model.ts';
export {
  selectPeopleBehind as listPeopleBehind,
  selectRequest as findApproval,
  selectWaiting as listWaitingApprovals,
} from './store-approval.ts';
export { createApiKey, revokeApiKey, type ApiKeyWish } from './keys.ts';
export { selectApiKeys as listApiKeys, type ApiKeyRow } from './store-key.ts';
export {
  isForKeys,
  permissionsIn,
  permissionsOf,
  rolesWith,
  type Held,
  type RoleModel,
} from './model.ts';
export { changeKind, type ChangeKind } from './changes/kind.ts';
export { readContent as readChange } from './changes/model.ts';
export { proposeChange } from './changes/changes.ts';
export {
  selectChange as findChange,
  selectWaitingChanges as listWaitingChanges,
  type ChangeRow,
} from './changes/store.ts';
export { newToken, sha256 } from './secrets.ts';
export { sealedColumns as identitySealedColumns } from './store-sealed.ts';
export { listHolders, type HolderRow } from './store-holders.ts';
export type { IdentityContext } from './context.ts';
export { identityRoutes } from './routes.ts';
export {
  selectOrganisationHolders as listOrganisationHolders,
  selectPeople as listPeople,
  selectPerson as findPerson,
  selectPersonByEmail as findPersonByEmail,
  type OrganisationHolder,
  type PersonRow,
} from './store.ts';
export {
  IS_FOR as ROLE_IS_FOR,
  kindOf as kindOfHeld,
  ofCentre,
  ofOrganisation,
  ofRegion,
  ofSpace,
  scopeOf as scopeOfRole,
  type Scope,
} from './scope.ts';
export { letIn, openSpace } from './spaces/spaces.ts';
export { readsSet, type Member, type ReaderSet } from './reader-sets.ts';
export { nameReaders } from './store-reader-set.ts';
export { selectPasskeyDomains as listPasskeyDomains } from './store-passkey.ts';
export { sweepIdentity } from './retention.ts';
export {
  listSubjectAccounts,
  listSubjectInvitations,
  type SubjectAccount,
  type SubjectInvitation,
} from './store-subject.ts';
export {
  lockWaking,
  selectByPhone as listPeopleByPhone,
  selectWakeableOf,
  selectWoken as listWoken,
  type Colleague,
  type WakeableOfRegion,
  type WokenRow,
} from './store-waking.ts';
export {
  planWaking,
  tellPeople,
  type Told,
  WAKE_TASK,
  wakePeople,
  type FindOwed,
  type Owed,
  type WakingKind,
  type WakingTimer,
} from './waking.ts';

/** The door of sealing: the keys of an installation, and exchanging them while it runs. */
export {
  addKeys,
  checkUnused,
  findLacking,
  findStanding,
  openKeyring,
  putInUse,
  resealAll,
  tidyKeys,
  useFileKey,
} from './actions.ts';
export { followKeys } from './follow.ts';
export { Keyring, type Keys } from './keyring.ts';
export { BEAT_MS, GONE_AFTER_MS, purposes, type Holder } from './model.ts';
export { listHolders, listKeys, type KeyRow } from './store.ts';

export { blanksOf, channels, fillBlanks, severityById } from './model.ts';
export type {
  Channel,
  HoldingText,
  OperatingModel,
  OrganisationType,
  Outlet,
  Role,
  Round,
  Severity,
  SigningIn,
  TextName,
} from './model.ts';
export { checkOperatingModel, parseOperatingModel, type Checked } from './parse.ts';
export { printFinding, type Finding } from './findings.ts';
export { formatDuration } from './durations.ts';
export { loadOperatingModel, readModelFile } from './load.ts';
export { findPinnedModel, pinVersion } from './pin.ts';
export { listVersions, type VersionRow } from './store.ts';
export { nearestName } from './nearest.ts';

/** The door of the server kit: what a slice needs for its pages, streams and API. */
export { createServer, type WebServer } from './server.ts';
export type {
  ApiKeys,
  Installation,
  Log,
  LogFields,
  NavigationItem,
  Replacement,
  ServerOptions,
  Sessions,
} from './kit.ts';
export type {
  IdempotencyEntry,
  IdempotencyState,
  IdempotencyStore,
  StoredAnswer,
} from './idempotency.ts';
export {
  api,
  callback,
  eventStream,
  page,
  type Access,
  type Form,
  type Route,
  type Session,
  type Upload,
  type WebRequest,
} from './route.ts';
export {
  events,
  file,
  json,
  notFound,
  problem,
  proveIt,
  redirect,
  refusalStatus,
  refusedPage,
  text,
  tooMany,
  view,
  type Reply,
  type SessionChange,
  type StreamEvent,
} from './replies.ts';
export {
  countIn,
  errorsAt,
  fieldErrors,
  formIdOf,
  formModel,
  many,
  parseForm,
  type FormModel,
} from './forms.ts';
export {
  cursorOf,
  because,
  day,
  hasYear,
  instant,
  keysOf,
  listOf,
  meaningsOf,
  oneLine,
  pageQuery,
  refuseBody,
  uuid,
} from './api-shapes.ts';
export { csvCell, csvFile, isFormula } from './csv.ts';
export { encodeCursor, PAGE_ROWS, pageOf, type Page } from './paging.ts';
export {
  ago,
  clockOrDate,
  clockTime,
  dateOnly,
  dateTime,
  due,
  duration,
  londonHour,
  monthOnly,
  textTime,
} from './times.ts';
export { isTrustworthy, sameSitePath } from './same-site.ts';
export {
  barParts,
  layTiles,
  type BarPart,
  type Place,
  type Tile,
  type TileMap,
} from './tile-map.ts';

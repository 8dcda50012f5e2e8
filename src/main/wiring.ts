/**
 * All wiring in one place: the configuration becomes the values that slices ask for, and news of
 * lower slices find their handlers in upper ones. Nothing here decides anything.
 */
import { londonDay } from '#kernel/day.ts';
import { system } from '#kernel/actor.ts';
import type { Log } from '#log.ts';
import { auditRoutes } from '#audit/index.ts';
import type { Database, Tx } from '#db/database.ts';
import type { DataFolder } from '#db/data-folder.ts';
import { adoptionRoutes } from '#adoption/index.ts';
import {
  behindProof,
  alertApiRoutes,
  alertRoutes,
  owedAnnouncement,
  owedReview,
  owedApproval,
  owedUpdate,
  REGIONS_TASK,
  sectionsOfVersion,
  listAlertsOfOrganisation,
  type AlertContext,
} from '#alerts/index.ts';
import {
  consoleApiRoutes,
  consoleRoutes,
  type BoardContext,
  type LiveViews,
} from '#console/index.ts';
import {
  callbackRoutes,
  dispatchApiRoutes,
  gatewayRoutes,
  REPLY_TASK,
  replicaRoutes,
} from '#dispatch/index.ts';
import {
  endLapsedRoles,
  identityRoutes,
  IssuerClient,
  listApiKeys,
  listPeople,
  sendSignInCode,
  SIGN_IN_CHANGED_TASK,
  SIGN_IN_CODE_TASK,
  tellOfSignIn,
  WAKE_TASK,
  wakePeople,
  type Network,
  type WakingTimer,
} from '#identity/index.ts';
import { becauseProbe, type OperatingModel } from '#operating-model/index.ts';
import {
  applyDueSuccessions,
  importChange,
  importTasks,
  PROOF_ASKED_TASK,
  contactApiRoutes,
  findOrganisationByCode,
  letBackChange,
  listOrganisationNames,
  listRegions,
  organisationApiRoutes,
  organisationRoutes,
  OWN_CODE_TASK,
  OWN_REPLACED_TASK,
  ownDetailsRoutes,
  reachRoutes,
  runSchedule,
  sendOwnCode,
  sendQuestion,
  tellReplaced,
} from '#organisations/index.ts';
import {
  handleReplies,
  listOpenAnswers,
  owedCall,
  responseApiRoutes,
  responseRoutes,
  tellRegions,
  type AnswerContext,
} from '#responses/index.ts';
import { whatIfRoutes, yearRoutes } from '#what-if/index.ts';
import { clockTime, dateTime, londonHour, textTime, type Route } from '#web/index.ts';
import type { Seals } from './seals.ts';
import { sweep } from './sweep.ts';

export type Product = {
  readonly database: Database;
  /** The rules in force. */
  readonly model: OperatingModel;
  /** Where changes of them are written. */
  readonly modelFile: string;
  readonly seals: Seals;
  readonly installation: DataFolder['installation'];
  readonly origin: string;
  /** The domain that passkeys are bound to. */
  readonly passkeyDomain: string;
  readonly live: LiveViews;
  readonly network?: Network | undefined;
};

export function alertContext({ model, origin }: Pick<Product, 'model' | 'origin'>): AlertContext {
  return { model, origin, formatTime: dateTime, clockOf: clockTime };
}

/** What boards are read with. */
export function boardContext(
  product: Pick<Product, 'database' | 'model' | 'origin' | 'seals'>,
): BoardContext {
  const { database, model, seals } = product;
  const { formatTime } = alertContext(product);
  return {
    database,
    model,
    openReply: seals.openReply,
    // Both are as `alerts` wrote them.
    sectionsOf: (words) => sectionsOfVersion(words as AlertSections, { model, formatTime }),
  };
}

type AlertSections = Parameters<typeof sectionsOfVersion>[0];

/** Every route of the product, each with its access; those of one alert behind its marking. */
export function productRoutes(product: Product): Route[] {
  return behindProof(product, allRoutes(product));
}

function allRoutes(product: Product): Route[] {
  const { database, model, modelFile, seals, live, origin } = product;
  const alerts = alertContext(product);
  return [
    ...identityRoutes({
      database,
      model,
      origin,
      passkeyDomain: product.passkeyDomain,
      installation: installationOf(product),
      sealPhone: seals.sealPhone,
      codes: seals.codes,
      issuers: { ...seals.issuers, client: new IssuerClient({ network: product.network }) },
      indexNetwork: seals.indexNetwork,
      organisations: {
        findByCode: findOrganisationByCode,
        listNames: listOrganisationNames,
        listRegions,
      },
      changeKinds: [letBackChange, importChange],
    }),
    ...adoptionRoutes({ database, model, modelFile }),
    ...organisationRoutes({
      database,
      model,
      secrets: seals.directory,
      alertsOf: listAlertsOfOrganisation,
    }),
    ...reachRoutes({
      database,
      model,
      secrets: seals.directory,
      openAnswersOf: listOpenAnswers,
    }),
    ...ownDetailsRoutes({
      database,
      model,
      secrets: seals.directory,
      indexNetwork: seals.indexNetwork,
    }),
    ...alertRoutes({ ...alerts, database }),
    ...whatIfRoutes({ ...alerts, database }),
    ...yearRoutes({ ...alerts, database }),
    ...responseRoutes({ database, model, origin, ...seals }),
    ...consoleRoutes({ ...boardContext(product), live, now: () => new Date() }),
    ...callbackRoutes({ database, seals }),
    ...gatewayRoutes({ database, becauseProbe: becauseProbe(model) }),
    ...replicaRoutes({ database }),
    ...auditRoutes({ database, listNamed }),
    ...apiRoutes(product),
  ];
}

/** Whom the audit may name: people, and keys of programs. */
async function listNamed(tx: Tx): Promise<{ readonly id: string; readonly name: string }[]> {
  return [...(await listPeople(tx)), ...(await listApiKeys(tx))];
}

/** The REST API (docs/api.md): the verbs of the pages for programs with a bearer key. */
function apiRoutes(product: Product): Route[] {
  const { database, model, seals } = product;
  return [
    ...organisationApiRoutes({ database, rules: model, secrets: seals.directory }),
    ...contactApiRoutes({ database, rules: model, secrets: seals.directory }),
    ...alertApiRoutes({ ...alertContext(product), database }),
    ...responseApiRoutes({ database, model, openReply: seals.openReply }),
    ...dispatchApiRoutes({ database }),
    ...consoleApiRoutes({ database, model }),
  ];
}

export function installationOf({ model, installation }: Pick<Product, 'model' | 'installation'>) {
  return { name: model.name, kind: installation.kind };
}

/** Mails the code that somebody asked for to sign in. */
function codeTask({ database, model, seals }: Product) {
  const { codes, sealAddress } = seals;
  return async (payload: unknown) => {
    const { id } = payload as { id: string };
    await sendSignInCode(database, id, { model, seals: codes, sealAddress, now: new Date() });
  };
}

/** What comes due by the clock, and what lapsed. */
async function hourly({ database, model }: Product): Promise<void> {
  const now = new Date();
  await database.withActor(system('planned end'), (tx) => endLapsedRoles(tx));
  try {
    await applyDueSuccessions(database, londonDay(now));
  } finally {
    await runSchedule(database, model, { ...londonHour(now), now });
  }
}

/** Background tasks by name: news of a lower slice, and who hears it. */
export function tasksOf(
  product: Product,
  log: Pick<Log, 'error'>,
): Record<string, (payload: unknown) => Promise<void>> {
  const { database, model, seals } = product;
  const answers: AnswerContext = {
    database,
    model,
    host: new URL(product.origin).host,
    clockOf: clockTime,
    whenOf: textTime,
    openReply: seals.openReply,
  };
  const words = { model, clockOf: clockTime, whenOf: (at: Date) => textTime(at, new Date()) };
  const owed = {
    approval: owedApproval(words),
    next_update: owedUpdate(words),
    announcement: owedAnnouncement(words),
    review: owedReview(words),
    call_back: owedCall(words),
  };
  return {
    ...importTasks({
      database,
      rules: model,
      secrets: seals.directory,
      onError: (error) => log.error('organisations.import_failed', { error }),
    }),
    [WAKE_TASK]: (payload) =>
      wakePeople(database, { model, owed, now: new Date() }, payload as WakingTimer),
    [REPLY_TASK]: () => handleReplies(answers),
    [REGIONS_TASK]: async (payload) => {
      const { alertId } = payload as { alertId: string };
      await tellRegions(database, { model, now: new Date() }, alertId);
    },
    [PROOF_ASKED_TASK]: async (payload) => {
      const { contactPointId } = payload as { contactPointId: string };
      await sendQuestion(database, contactPointId, {
        rules: model,
        host: answers.host,
        secrets: seals.directory,
      });
    },
    [SIGN_IN_CODE_TASK]: codeTask(product),
    [SIGN_IN_CHANGED_TASK]: async (planned) =>
      await tellOfSignIn(database, planned, { ...words, sealAddress: seals.sealAddress }),
    [OWN_CODE_TASK]: async (payload) => {
      const { id } = payload as { id: string };
      const rules = { rules: model, secrets: seals.directory, now: new Date() };
      await sendOwnCode(database, id, rules);
    },
    [OWN_REPLACED_TASK]: async (payload) => {
      const { contactPointId } = payload as { contactPointId: string };
      await tellReplaced(database, contactPointId, model);
    },
    hourly: () => hourly(product),
    sweep: () => sweep(product),
  };
}

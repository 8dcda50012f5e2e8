/** An alert by the product's own way: written, submitted over a directory, approved, released. */
import path from 'node:path';
import { newId } from '#kernel/ids.ts';
import { system, type Actor } from '#kernel/actor.ts';
import type { Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  approveAndRelease,
  createAlert,
  findSubmission,
  findVersion,
  noContent,
  submitAlert,
  type AlertContext,
  type Wording,
} from '#alerts/index.ts';
import { invitePerson, permissionsOf } from '#identity/index.ts';
import { loadOperatingModel, type OperatingModel } from '#operating-model/index.ts';
import { everybody } from '#organisations/index.ts';

const wording: Wording = {
  title: 'Ransomware through Citrix gateways',
  severity: 'critical',
  marking: 'CLEAR',
  what: 'Ransomware via Citrix',
  doNow: 'Isolate Citrix gateways now',
  notKnown: 'Who is behind it.',
  nextUpdateAt: new Date(Date.now() + 3_600_000),
  body: 'Three organisations report encrypted file servers since 02:10. '.repeat(10),
  ifActed: '',
  clearLine: '',
  ownText: null,
  readerWords: {},
  asksAgain: true,
  content: noContent,
};

export const MODEL_FILE = path.join(import.meta.dirname, '../operating-model.yaml');

export async function readModel(): Promise<OperatingModel> {
  return valueOf(await loadOperatingModel(MODEL_FILE));
}

export function contextOf(model: OperatingModel): AlertContext {
  return {
    model,
    origin: 'https://cyber.example',
    formatTime: (at) => at.toISOString(),
    clockOf: (at) => at.toISOString().slice(11, 16),
  };
}

export type Submitted = {
  readonly alertId: string;
  /** In the address of its public page. */
  readonly alertNumber: number;
  readonly dispatchId: string;
  readonly hash: string;
  readonly messages: number;
  readonly submitter: Actor;
  /** Of the one transaction that freezes, with its commit. */
  readonly seconds: number;
};

/** A critical alert to everybody that is being written, by somebody new. */
export async function draftToEverybody(
  web: Database,
  { model }: AlertContext,
): Promise<{ readonly id: string; readonly submitter: Actor }> {
  const submitter = await invite(web, model, 'duty_officer');
  const draft = { wording, audience: everybody };
  const created = await web.attempt(submitter, (tx) => createAlert(tx, model, draft));
  return { id: valueOf(created).id, submitter };
}

/** The same, submitted. */
export async function submitToEverybody(web: Database, context: AlertContext): Promise<Submitted> {
  const { id, submitter } = await draftToEverybody(web, context);
  const startedAt = performance.now();
  const submitted = await web.attempt(submitter, (tx) =>
    submitAlert(tx, context, { alertId: id, revision: 1, now: new Date() }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const { hash, messages } = valueOf(submitted);
  const found = await web.withActor(submitter, (tx) => findAlert(tx, id));
  return { alertId: id, ...found, hash, messages, submitter, seconds };
}

async function findAlert(tx: Tx, alertId: string) {
  const version = await findVersion(tx, alertId);
  const submission = version && (await findSubmission(tx, version.id));
  if (submission === undefined) throw new Error('it was not submitted');
  return { alertNumber: version!.alertNumber, dispatchId: submission.dispatchId };
}

/** Somebody else approves it, and it goes; how long that took, in seconds. */
export async function approve(
  web: Database,
  context: AlertContext,
  { alertId, hash }: Submitted,
): Promise<number> {
  const approver = await invite(web, context.model, 'approver');
  const startedAt = performance.now();
  const approved = await web.attempt(approver, (tx) =>
    approveAndRelease(tx, context, { alertId, hash, now: new Date() }),
  );
  valueOf(approved);
  return (performance.now() - startedAt) / 1_000;
}

/** Somebody with a role, as an approval asks for; each time another one. */
async function invite(web: Database, model: OperatingModel, role: string): Promise<Actor> {
  const id = newId();
  const person = { id, name: 'Bench officer', email: `${id}@bench.test`, roles: [role] };
  const invited = await web.withActor(system('bench'), (tx) =>
    invitePerson(tx, person, { model, now: new Date() }),
  );
  valueOf(invited);
  return { kind: 'person', id, name: person.name, permissions: permissionsOf(model, [role]) };
}

function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.value;
}

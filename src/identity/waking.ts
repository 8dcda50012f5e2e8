/**
 * Waking people of the centre by text: for what the centre owes, step by step until it is done, and
 * to tell them what a colleague did. A timer is a job, written in the transaction of the promise;
 * whom it woke is a row, so that a step wakes nobody twice, whoever runs it. Higher slices say
 * whether a promise still stands (`FindOwed`). A text holds no word of an alert and no link: people
 * sign in where they always do.
 */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { record, type Subject } from '#audit/index.ts';
import { sendSingleMessages, type SingleMessage } from '#dispatch/index.ts';
import { OWNER, type Ladder, type OperatingModel, type WakeStep } from '#operating-model/index.ts';
import {
  insertWoken,
  lockWaking,
  selectWakeable,
  type Wakeable,
  type Woken,
} from './store-waking.ts';

/** One step for one promise. */
export const WAKE_TASK = 'people_woken';

/** Promises that wake people step by step. */
export const wakingKinds = [
  'approval',
  'next_update',
  'call_back',
  'announcement',
  'review',
] as const;

export type WakingKind = (typeof wakingKinds)[number];

/** One person and the words for them. */
export type Told = {
  readonly person: Pick<Wakeable, 'id' | 'phoneSealed'>;
  readonly body: string;
};

/** The rule that texts them (`promises.review`), its version, and what it is applied to. */
export type WokenBy = SingleMessage['because'];

/**
 * Texts these people, each once for one subject and moment; says who was not told before. Run it
 * after `lockWaking`, in the transaction that looked for them.
 */
export async function tellPeople(
  tx: Tx,
  { kind, subjectId, dueAt, step }: Woken,
  people: readonly Told[],
  {
    because,
    perHourMax,
    againAfterMs = 0,
  }: {
    readonly because: WokenBy;
    readonly perHourMax: number;
    readonly againAfterMs?: number;
  },
): Promise<string[]> {
  const personIds = people.map(({ person }) => person.id);
  const fresh = await insertWoken(
    tx,
    { kind, subjectId, dueAt, step },
    { personIds, againAfterMs },
  );
  await sendSingleMessages(
    tx,
    people
      .filter(({ person }) => fresh.includes(person.id))
      .map(({ person, body }) => ({
        contactPointId: person.id,
        addressSealed: person.phoneSealed,
        code: NO_CODE,
        body,
        because,
        gatewayId: null,
        perHourMax,
      })),
  );
  return fresh;
}

export type NewPromise = {
  readonly kind: WakingKind;
  readonly id: string;
  readonly madeAt: Date;
  readonly dueAt: Date;
};

/** The timers of a promise. A step whose time was over when it was made is left out. */
export async function planWaking(
  tx: Tx,
  steps: readonly Pick<WakeStep, 'afterMs'>[],
  { kind, id, madeAt, dueAt }: NewPromise,
): Promise<void> {
  for (const [i, { afterMs }] of steps.entries()) {
    const runAt = new Date(dueAt.getTime() + afterMs);
    if (runAt < madeAt) continue;
    const timer: WakingTimer = { kind, id, dueAt: dueAt.toISOString(), step: i + 1 };
    await enqueue(tx, WAKE_TASK, timer, { runAt });
  }
}

/** Payload of the job. */
export type WakingTimer = {
  readonly kind: WakingKind;
  readonly id: string;
  /** ISO 8601. */
  readonly dueAt: string;
  /** From 1. */
  readonly step: number;
};

/** A promise that stands. */
export type Owed = {
  /** For when it stands now; null where it cannot change. */
  readonly dueAt: Date | null;
  /** Whoever has it in hand: the id of a person or a key; null where nobody has. */
  readonly ownerId: string | null;
  /** Ids of people who are never woken for it. */
  readonly except: readonly string[];
  readonly ladder: Ladder;
  readonly text: (isLate: boolean) => string;
  readonly because: WokenBy;
  /** What the audit names. */
  readonly subject: Subject;
};

/** Undefined where it is kept, or nobody owes it any more. */
export type FindOwed = (tx: Tx, id: string) => Promise<Owed | undefined>;

/** Nobody is asked to text anything back: a message wants four digits, and these mean nothing. */
const NO_CODE = '0000';

/** Texts who is to be woken by this step, each once, unless the promise was kept or made anew. */
export async function wakePeople(
  database: Database,
  {
    model,
    owed,
    now,
  }: {
    readonly model: Pick<OperatingModel, 'textsPerNumber'>;
    readonly owed: Readonly<Record<WakingKind, FindOwed>>;
    readonly now: Date;
  },
  { kind, id, dueAt: due, step }: WakingTimer,
): Promise<void> {
  const dueAt = new Date(due);
  await database.withActor(system('waking'), async (tx) => {
    await lockWaking(tx);
    const promise = await owed[kind](tx, id);
    const rung = promise?.ladder.steps[step - 1];
    if (promise === undefined || rung === undefined) return;
    if (promise.dueAt !== null && promise.dueAt.getTime() !== dueAt.getTime()) return;
    // Nothing ran for a while, and the next step is due as well: that one is enough.
    const next = promise.ladder.steps[step];
    if (next !== undefined && dueAt.getTime() + next.afterMs <= now.getTime()) return;
    const { because } = promise;
    const people = await findPeople(tx, promise, step);
    const body = promise.text(rung.afterMs >= 0 || dueAt <= now);
    const fresh = await tellPeople(
      tx,
      { kind, subjectId: id, dueAt, step },
      people.map((person) => ({ person, body })),
      {
        because: { ...because, fact: `${because.fact}; step ${step}` },
        perHourMax: model.textsPerNumber.most,
        againAfterMs: promise.ladder.againAfterMs,
      },
    );
    await record(tx, {
      action: 'people.woken',
      subject: promise.subject,
      detail: { why: kind, step, people: fresh.length },
    });
  });
}

/** Those of the step; where there are none, those of the next that has any. */
async function findPeople(
  tx: Tx,
  { ladder, ownerId, except }: Owed,
  step: number,
): Promise<readonly Wakeable[]> {
  for (const { wake } of ladder.steps.slice(step - 1)) {
    const people = await listWanted(tx, wake, ownerId);
    const others = people.filter(({ id }) => !except.includes(id));
    if (others.length > 0) return others;
  }
  return [];
}

async function listWanted(tx: Tx, wake: WakeStep['wake'], ownerId: string | null) {
  const roles = wake.filter((role) => role !== OWNER);
  const ids = ownerId !== null && roles.length < wake.length ? [ownerId] : [];
  return await selectWakeable(tx, { roles, ids });
}

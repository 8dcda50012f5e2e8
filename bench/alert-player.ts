/** Whoever writes, approves and watches an alert, in a process of its own, as the web process does. */
import type { ClientConfig } from 'pg';
import { system } from '#kernel/actor.ts';
import { boardOf } from '#console/board.ts';
import { readAlert } from '#console/reading.ts';
import { readFigures, scopeOf } from '#console/store-standings.ts';
import { findLiveAlert } from '#console/store.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { approve, contextOf, readModel, submitToEverybody, type Submitted } from './alert.ts';
import { playOrders, usageOfThisProcess, type Usage } from './player.ts';

export type AlertOrder =
  | { readonly kind: 'submit'; readonly database: ClientConfig }
  | { readonly kind: 'release' }
  | { readonly kind: 'read board' };

export type AlertAnswer = Usage & {
  /** Of the order: submitting, releasing, or reading the whole board. */
  readonly seconds: number;
  readonly dispatchId: string;
  readonly messages: number;
  /** Of the figures at the head of the board alone. */
  readonly tallySeconds: number;
};

let playing: { web: Database; submitted: Submitted } | undefined;
const model = await readModel();
const context = contextOf(model);

playOrders<AlertOrder>(
  async (order) => {
    if (order.kind === 'submit') {
      const web = openDatabase(order.database);
      playing = { web, submitted: await submitToEverybody(web, context) };
      return answer(playing.submitted.seconds);
    }
    if (order.kind === 'release') return answer(await approve(playing!.web, context, submitted()));
    const tallySeconds = await timed(() =>
      playing!.web.withActor(system('board'), async (tx) => {
        const alert = await findLiveAlert(tx, submitted().alertId);
        return await readFigures(tx, scopeOf(alert!));
      }),
    );
    return answer(await timed(readWholeBoard), tallySeconds);
  },
  async () => {
    await playing?.web.end();
  },
);

function submitted(): Submitted {
  return playing!.submitted;
}

async function readWholeBoard(): Promise<void> {
  const context = {
    database: playing!.web,
    model,
    openReply: () => '',
    sectionsOf: () => [],
  };
  const reading = await readAlert(context, {
    reader: system('bench'),
    alertId: submitted().alertId,
    now: new Date(),
  });
  if (reading === undefined) throw new Error('there is no board');
  boardOf(reading);
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return (performance.now() - startedAt) / 1_000;
}

function answer(seconds: number, tallySeconds = 0): AlertAnswer {
  const { dispatchId, messages } = submitted();
  return { ...usageOfThisProcess(), seconds, tallySeconds, dispatchId, messages };
}

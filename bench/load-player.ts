/**
 * Open-loop load: each request leaves at its own time, whether the last one was answered or not,
 * and its answer time counts from when it should have left. Waiting for answers before sending on
 * would hide exactly the moments that matter (coordinated omission).
 */
import { Pool } from 'undici';
import { playOrders } from './player.ts';

export type LoadOrder = {
  readonly url: string;
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly perSecond: number;
  readonly requests: readonly LoadRequest[];
};

export type LoadRequest = {
  readonly body: string;
  /** The address of its visitor, as a proxy tells it. */
  readonly from?: string;
};

export type LoadAnswer = {
  /** From the planned moment to the whole answer, in ms; one for each request, in their order. */
  readonly answerMs: readonly number[];
  readonly refused: number;
  /** From the first planned moment to the last answer. */
  readonly seconds: number;
};

const CONNECTIONS = 128;
const TICK_MS = 2;

playOrders<LoadOrder>(async ({ url, headers, perSecond, requests }) => {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  const answerMs = Array.from({ length: requests.length }, () => Infinity);
  let refused = 0;
  const startedAt = performance.now() + 100;
  const post = async (index: number, plannedAt: number) => {
    const { body, from } = requests[index]!;
    const answer = await pool.request({
      method: 'POST',
      path: pathname,
      headers: from === undefined ? headers : { ...headers, 'x-forwarded-for': from },
      body,
    });
    await answer.body.dump();
    if (answer.statusCode !== 200) refused += 1;
    answerMs[index] = performance.now() - plannedAt;
  };
  const underWay: Promise<void>[] = [];
  while (underWay.length < requests.length) {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000);
    while (underWay.length < Math.min(due, requests.length)) {
      const index = underWay.length;
      underWay.push(post(index, startedAt + (index * 1_000) / perSecond));
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(underWay);
  await pool.close();
  const seconds = (performance.now() - startedAt) / 1_000;
  return { answerMs, refused, seconds } satisfies LoadAnswer;
});

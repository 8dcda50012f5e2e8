import type { TestEvent } from 'node:test/reporters';

/** A reporter that says at the end how many tests ran, as JSON, and nothing else. */
export default async function* countTests(source: AsyncIterable<TestEvent>) {
  for await (const event of source) {
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue;
    const { passed, failed, skipped } = event.data.counts as Record<string, number>;
    yield `${JSON.stringify({ passed, failed, skipped })}\n`;
  }
}

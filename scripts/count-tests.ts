import type { TestEvent } from 'node:test/reporters';

/** A reporter that says at the end how many tests ran and which did not, as JSON, and nothing else. */
export default async function* countTests(source: AsyncIterable<TestEvent>) {
  const left: string[] = [];
  for await (const event of source) {
    if (event.type === 'test:pass' && event.data.skip !== undefined)
      left.push(`${event.data.name}: ${event.data.skip}`);
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue;
    const { passed, failed } = event.data.counts as Record<string, number>;
    yield `${JSON.stringify({ passed, failed, left })}\n`;
  }
}

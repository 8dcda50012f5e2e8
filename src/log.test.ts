import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, safeError, type Log, type LogFields } from './log.ts';

const id = '01935b2c-1111-7222-8333-444455556666';

const canaries = [
  '07700900123',
  '+44 7700 900123',
  '447700900123',
  'jo.okafor@northmoor.test',
  'eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.Zm9v',
  'tok_9f8e7d6c5b4a',
  '9f8e7d6c5b4a39281706',
  'Ransomware at Northmoor',
  'sesame\n    at open (/srv/src/sesame/door.ts:1:1)',
];

function captured(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLog({ level: 'debug', destination }), lines };
}

/** Every error a canary may hide in. */
function errorsWith(canary: string): unknown[] {
  const database = Object.assign(new Error(`duplicate key (${canary})`), {
    name: 'error',
    code: '23505',
    constraint: 'contact_point_pkey',
    detail: `Key (number)=(${canary}) already exists.`,
    where: canary,
    table: canary,
  });
  return [
    canary,
    new Error(canary),
    new Error('outer', { cause: new Error(canary, { cause: { message: canary, code: canary } }) }),
    new AggregateError([new Error(canary)], canary),
    database,
    Object.assign(new Error('x'), { name: canary, code: canary, constraint: canary }),
    Object.assign(new Error('x'), { stack: `Error: ${canary}\n    at ${canary} (${canary}:1:1)` }),
    { message: canary, stack: canary, [canary]: canary },
    [canary],
    new Map([[canary, canary]]),
  ];
}

test('no canary leaves, wherever it stands', () => {
  for (const canary of canaries) {
    const { log, lines } = captured();
    for (const error of errorsWith(canary)) log.error('test.failed', { error });
    const unsafe: Record<string, unknown>[] = [
      { [canary]: 1 },
      { number: canary },
      { nested: { deep: [canary] } },
      { error: { nested: { deep: canary } } },
      ...[
        'requestId',
        'messageId',
        'state',
        'reason',
        'gateway',
        'route',
        'method',
        'count',
      ].flatMap((name) => [{ [name]: canary }, { [name]: { canary } }, { [name]: [canary] }]),
      { route: `/answer/${canary}` },
      { count: 447_700_900_123 },
    ];
    for (const fields of unsafe) {
      log.info('test.happened', fields);
      log.with(fields).info('test.happened');
    }
    log.warn(canary);
    log.info(`sent to ${canary}`);
    const written = lines.join('');
    for (const part of [canary, canary.split('\n')[0]!, 'sesame', '447700900123']) {
      assert.equal(written.includes(part), false, `${part} in ${written.slice(0, 500)}`);
    }
    assert.equal(lines.length, errorsWith(canary).length + unsafe.length * 2 + 2);
  }
});

test('what is on the list is written as it stands', () => {
  const { log, lines } = captured();
  const fields = {
    requestId: id,
    method: 'POST',
    route: '/api/v1/alerts/:id',
    status: 201,
    durationMs: 12.5,
    gateway: 'notify-1',
    state: 'accepted',
  };
  log.with({ slice: 'dispatch' }).info('dispatch.batch_settled', fields);
  const { time, ...line } = JSON.parse(lines[0]!);
  assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.deepEqual(line, {
    level: 'info',
    event: 'dispatch.batch_settled',
    slice: 'dispatch',
    ...fields,
  });
});

test('what was dropped is counted, a field that is not there is not', () => {
  const { log, lines } = captured();
  log.info('test.happened', { body: 'x', count: undefined, state: 'NOT A WORD' } as LogFields);
  assert.equal(JSON.parse(lines[0]!).dropped, 2);
});

test('an error keeps name, code, constraint and the place in our source', () => {
  const error = Object.assign(new TypeError('message'), {
    code: '23505',
    constraint: 'entry_pkey',
    cause: Object.assign(new Error('y'), { code: 'ECONNRESET' }),
  });
  error.stack =
    'TypeError: message\n    at fn (/opt/x/node_modules/pg/lib/a.js:1:2)\n' +
    '    at claim (file:///opt/tocsin/src/dispatch/claim.ts:42:7)\n';
  const safe = safeError(error);
  assert.deepEqual([safe['name'], safe['code']], ['TypeError', '23505']);
  assert.equal(safe['constraint'], 'entry_pkey');
  assert.equal(safe['where'], 'src/dispatch/claim.ts:42');
  assert.equal((safe['cause'] as { code: string }).code, 'ECONNRESET');
  const looped: Error = new Error('loop');
  looped.cause = looped;
  assert.ok(JSON.stringify(safeError(looped)).length < 1000);
});

test('what the database driver says without a code has a word, and nothing else of a message', () => {
  assert.equal(safeError(new Error('Query read timeout'))['says'], 'no_answer');
  assert.equal(
    safeError(new Error('Connection terminated unexpectedly'))['says'],
    'connection_lost',
  );
  for (const other of ['constructor', 'Query read timeout of 07700900123', ''])
    assert.equal(safeError(new Error(other))['says'], undefined);
});

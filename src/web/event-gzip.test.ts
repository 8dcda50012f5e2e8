import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGunzip, gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { EventGzip } from './event-gzip.ts';

test('what streams send is what was said to them, wherever they began', () => {
  const said = fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 12 });
  fc.assert(
    fc.property(said, fc.nat(12), (events, from) => {
      const all = new EventGzip();
      const late = new EventGzip();
      const sent: Uint8Array[] = [all.head];
      const sentLate: Uint8Array[] = [late.head];
      for (const [i, event] of events.entries()) {
        sent.push(all.part(event));
        if (i >= from) sentLate.push(late.part(event));
      }
      const whole = gunzipSync(Buffer.concat([...sent, all.end()]));
      assert.deepEqual(whole, Buffer.concat(events));
      const rest = gunzipSync(Buffer.concat([...sentLate, late.end()]));
      assert.deepEqual(rest, Buffer.concat(events.slice(from)));
    }),
  );
});

test('an event is deflated once for all, and read as soon as it came', async () => {
  const event = Buffer.from('<li>Northern: 12 of 14</li>'.repeat(200));
  const [one, other] = [new EventGzip(), new EventGzip()];
  const bytes = one.part(event);
  assert.equal(other.part(event), bytes);
  assert.ok(bytes.length < event.length / 20, `${bytes.length} of ${event.length} bytes`);
  const gunzip = createGunzip();
  gunzip.write(one.head);
  gunzip.write(bytes);
  let read = 0;
  for await (const part of gunzip) {
    read += (part as Buffer).length;
    if (read >= event.length) break;
  }
  assert.equal(read, event.length);
});

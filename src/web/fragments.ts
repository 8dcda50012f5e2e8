/** The moving parts of pages, as bytes of a stream: drawn once for all who follow them. */
import { nobody } from '#kernel/actor.ts';
import { frame } from './event-stream.ts';
import type { Kit } from './kit.ts';
import { renderPage } from './pages.ts';
import type { StreamEvent } from './replies.ts';

/**
 * The frame of an event. A template is drawn once for each model (the object itself), for a visitor
 * without a name: a thousand boards cost one drawing, and nothing of one person reaches another.
 */
export function drawEvent(kit: Kit, event: StreamEvent): Uint8Array {
  if ('html' in event) return Buffer.from(frame(event.name, event.html));
  const { name, template, model } = event;
  const drawn = kit.fragments.get(model) ?? new Map<string, Uint8Array>();
  kit.fragments.set(model, drawn);
  const key = `${name} ${template}`;
  const known = drawn.get(key);
  if (known !== undefined) return known;
  const visitor = { nonce: '', session: undefined, actor: nobody };
  const bytes = Buffer.from(frame(name, renderPage(kit, visitor, { path: '/' }, event)));
  drawn.set(key, bytes);
  return bytes;
}

/** What Notify's lists say: of one text by reference, of many by page, and of texts that came in. */
import { z } from 'zod';
import type { Listed } from '../listing.ts';
import type { Found } from '../model.ts';
import type { ReplyCallback } from '../parse.ts';

const list = z.object({
  notifications: z.array(
    z.object({
      id: z.uuid(),
      reference: z.string().nullable(),
      status: z.string(),
      created_at: z.iso.datetime(),
    }),
  ),
});

/** The texts of a page, newest first; undefined where it is no list of Notify's. */
export function parseList(body: unknown): Listed[] | undefined {
  return list.safeParse(body).data?.notifications.map(({ id, created_at: createdAt, ...text }) => ({
    ...text,
    providerId: id,
    createdAt: new Date(createdAt),
  }));
}

/** What the list of one reference says of it. */
export function foundIn(page: readonly Listed[] | undefined): Found {
  if (page === undefined) return { answer: 'cannot_tell' };
  // The oldest comes last: if there were two, the first is the one that counts.
  const found = page.at(-1);
  if (found === undefined) return { answer: 'absent' };
  const doubles = page.slice(0, -1).map(({ providerId }) => providerId);
  return { answer: 'found', providerId: found.providerId, status: found.status, doubles };
}

const texts = z.object({
  received_text_messages: z.array(
    z.object({
      id: z.uuid(),
      user_number: z.string(),
      content: z.string(),
      created_at: z.iso.datetime(),
    }),
  ),
});

/** The texts that people sent, newest first; undefined where it is no list of Notify's. */
export function parseTexts(body: unknown): ReplyCallback[] | undefined {
  return texts.safeParse(body).data?.received_text_messages.map((text) => ({
    id: text.id,
    sourceNumber: text.user_number,
    message: text.content,
    dateReceived: new Date(text.created_at),
  }));
}

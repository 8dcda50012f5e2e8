/** The doors of providers: delivery receipts and texts that came in. */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { callback, json, type Reply, type Route, type WebRequest } from '#web/index.ts';
import { keepReceipt, keepReply, mayCallBack, type InboxSeals } from './inbox.ts';
import { bearerToken, receiptCallback, replyCallback } from './parse.ts';
import type { z } from 'zod';

export type CallbackContext = { readonly database: Database; readonly seals: InboxSeals };

export function callbackRoutes({ database, seals }: CallbackContext): Route[] {
  /** Authenticates, parses, keeps: 401, 403 and 400 change nothing. */
  const door = <T>(
    path: string,
    schema: z.ZodType<T>,
    keep: (tx: Tx, gateway: string, body: T) => Promise<void>,
  ) =>
    callback({
      method: 'POST',
      path,
      bodyBytesMax: 64 * 1024,
      async handle(request: WebRequest<unknown, unknown>): Promise<Reply> {
        const { gateway } = request.params as { gateway: string };
        const token = bearerToken(request.headers['authorization']);
        if (token === undefined) return json(401, { error: 'bearer token missing' });
        return await database.withActor(system(`callback:${gateway}`), async (tx) => {
          if (!(await mayCallBack(tx, gateway, token))) return json(403, { error: 'refused' });
          const body = schema.safeParse(request.body);
          if (!body.success) return json(400, { error: 'not a callback of this kind' });
          await keep(tx, gateway, body.data);
          return json(200, { status: 'kept' });
        });
      },
    });
  return [
    door('/callbacks/:gateway/receipts', receiptCallback, keepReceipt),
    door('/callbacks/:gateway/texts', replyCallback, (tx, gateway, body) =>
      keepReply(tx, gateway, body, seals),
    ),
  ];
}

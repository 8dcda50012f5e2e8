/** The doors of providers: delivery receipts and texts that came in. */
import type { Database, Tx } from '#db/database.ts';
import { callback, json, type Reply, type Route, type WebRequest } from '#web/index.ts';
import { findCaller, keepReceipt, keepReply, type InboxSeals } from './inbox.ts';
import { bearerToken, receiptCallback, replyCallback } from './parse.ts';
import type { GatewayDoor } from './store-inbox.ts';
import { Together } from './together.ts';
import type { z } from 'zod';

export type CallbackContext = { readonly database: Database; readonly seals: InboxSeals };

/** One call of a provider's, not believed yet. */
type Called = { readonly gateway: string; readonly token: string; readonly sent: unknown };

export function callbackRoutes({ database, seals }: CallbackContext): Route[] {
  /**
   * Authenticates, parses, keeps: 401, 403 and 400 change nothing. Callbacks that come at the same
   * time share a transaction: after an alert thousands come within seconds.
   */
  const door = <T>(
    path: string,
    schema: z.ZodType<T>,
    keep: (tx: Tx, caller: GatewayDoor, body: T) => Promise<boolean>,
  ) => {
    const together = new Together<Called, Reply>({
      database,
      actorOf: ({ gateway }) => ({ kind: 'system', name: `callback:${gateway}` }),
      async act(tx, { gateway, token, sent }) {
        const caller = await findCaller(tx, gateway, token);
        if (caller === undefined) return json(403, { error: 'refused' });
        const body = schema.safeParse(sent);
        if (!body.success) return json(400, { error: 'not a callback of this kind' });
        const isKept = await keep(tx, caller, body.data);
        return isKept ? json(200, { status: 'kept' }) : json(400, { error: 'unknown status' });
      },
    });
    return callback({
      method: 'POST',
      path,
      bodyBytesMax: 64 * 1024,
      async handle(request: WebRequest<unknown, unknown>): Promise<Reply> {
        const { gateway } = request.params as { gateway: string };
        const token = bearerToken(request.headers['authorization']);
        if (token === undefined) return json(401, { error: 'bearer token missing' });
        return await together.do({ gateway, token, sent: request.body });
      },
    });
  };
  return [
    door('/callbacks/:gateway/receipts', receiptCallback, keepReceipt),
    door('/callbacks/:gateway/texts', replyCallback, (tx, caller, body) =>
      keepReply(tx, caller, body, seals),
    ),
  ];
}

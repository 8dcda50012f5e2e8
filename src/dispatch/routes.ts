/** The doors of providers: delivery receipts and texts that came in. */
import type { Database, Tx } from '#db/database.ts';
import { Together } from '#db/together.ts';
import { callback, json, type Reply, type Route, type WebRequest } from '#web/index.ts';
import { keepReceipts, keepReplies, opens, type InboxSeals } from './inbox.ts';
import { bearerToken, receiptCallback, replyCallback } from './parse.ts';
import { findGatewayDoor, type GatewayDoor } from './store-inbox.ts';
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
    /** Gives back those that it kept. */
    keep: (tx: Tx, caller: GatewayDoor, bodies: readonly T[]) => Promise<readonly T[]>,
  ) => {
    const together = new Together<Called, Reply>({
      database,
      actorOf: ({ gateway }) => ({ kind: 'system', name: `callback:${gateway}` }),
      async act(tx, pieces) {
        // All of one gateway: nobody else's share a transaction with them.
        const gateway = await findGatewayDoor(tx, pieces[0]!.gateway);
        const heard = pieces.map((called) => hear(gateway, called, schema));
        const bodies = heard.flatMap((one) => ('body' in one ? [one.body] : []));
        const kept = new Set(bodies.length === 0 ? [] : await keep(tx, gateway!, bodies));
        return heard.map((one) => {
          if ('answer' in one) return one.answer;
          return kept.has(one.body)
            ? json(200, { status: 'kept' })
            : json(400, { error: 'unknown status' });
        });
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
    door('/callbacks/:gateway/receipts', receiptCallback, keepReceipts),
    door('/callbacks/:gateway/texts', replyCallback, async (tx, caller, bodies) => {
      await keepReplies(tx, caller.id, bodies, seals);
      return bodies;
    }),
  ];
}

/** What was called, where it may be believed and understood; else the answer. */
function hear<T>(
  gateway: GatewayDoor | undefined,
  called: Called,
  schema: z.ZodType<T>,
): { readonly body: T } | { readonly answer: Reply } {
  if (gateway === undefined || !opens(gateway, called.token))
    return { answer: json(403, { error: 'refused' }) };
  const body = schema.safeParse(called.sent);
  if (!body.success) return { answer: json(400, { error: 'not a callback of this kind' }) };
  return { body: body.data };
}

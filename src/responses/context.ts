import type { Opens } from './asker.ts';
import type { PublicRoutesContext } from './routes-public.ts';

/** What the pages of answering are made with. */
export type ResponseRoutesContext = PublicRoutesContext &
  Opens & { readonly openReply: (replyId: string, sealed: Buffer) => string };

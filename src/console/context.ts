import type { Database } from '#db/database.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import type { OpenReply } from './desk.ts';
import type { LiveViews } from './live.ts';
import type { LiveAlert } from './store.ts';

/** What boards are read with. */
export type BoardContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  readonly openReply: OpenReply;
  readonly sectionsOf: (
    words: Pick<LiveAlert, 'content' | 'kev' | 'readerWords'>,
  ) => readonly Section[];
};

/** What readers see under one heading; `href` where a line leads somewhere. */
export type Section = {
  readonly label: string;
  readonly entries: readonly { readonly text: string; readonly href?: string }[];
};

/** What the pages of the console are made with. */
export type ConsoleContext = BoardContext & {
  readonly live: LiveViews;
  readonly now: () => Date;
};

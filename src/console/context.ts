import type { BoardContext } from './reading.ts';
import type { LiveViews } from './live.ts';

/** What the pages of the console are made with. */
export type ConsoleContext = BoardContext & {
  readonly live: LiveViews;
  readonly now: () => Date;
};

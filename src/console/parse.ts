import { z } from 'zod';
import { cursorOf, oneLine } from '#web/index.ts';

/** By name and id, as `listStandings` orders. */
export const standingCursor = cursorOf(z.tuple([oneLine(300), z.uuid()]));

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Simulation } from './simulation.ts';

/** What a page handler gets: the request taken apart, and ways to answer. */
export type PageCall = {
  readonly simulation: Simulation;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly render: (template: string, context: object, status?: number) => void;
  readonly redirect: (location: string) => void;
  /** The fields of a form. */
  readonly form: () => Promise<URLSearchParams>;
};

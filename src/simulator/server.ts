import type { IncomingMessage, ServerResponse } from 'node:http';
import { ControlApi } from './control-api.ts';
import type { Handler } from './doors.ts';
import { NotifyApi } from './notify-api.ts';
import type { Pages } from './pages.ts';
import type { Simulation } from './simulation.ts';

/** Sends each request to the API, the levers or the pages. */
export function createHandler(simulation: Simulation, pages: Pages): Handler {
  const notify = new NotifyApi(simulation);
  const control = new ControlApi(simulation);
  return (request, response) => {
    const url = request.url ?? '/';
    if (url.startsWith('/v2/') || url.startsWith('/_status')) notify.handle(request, response);
    else if (isForeign(request)) refuseForeign(response);
    else if (url.startsWith('/_control/')) void control.handle(request, response);
    else void pages.handle(request, response);
  };
}

/**
 * True for a request that another web site makes in a visitor's browser. Levers and reply boxes
 * ask for no password, so a page elsewhere must not be able to pull them.
 */
function isForeign(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site'];
  return request.method !== 'GET' && (site === 'cross-site' || site === 'same-site');
}

function refuseForeign(response: ServerResponse): void {
  response.writeHead(403, { 'content-type': 'text/plain' });
  response.end('Refused: this request comes from another site.\n');
}

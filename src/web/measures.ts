/** What is counted and logged of every request: no number, address, token, path or query (P12). */
import type { FastifyInstance } from 'fastify';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { Contexts, Kit } from './kit.ts';

export function addMeasures(
  app: FastifyInstance,
  kit: Kit,
  registry: Registry,
  contexts: Contexts,
): void {
  const labelNames = ['method', 'route', 'status'] as const;
  const requests = new Counter({
    name: 'tocsin_http_requests_total',
    help: 'Requests answered',
    labelNames,
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'tocsin_http_request_seconds',
    help: 'Time from the first byte in to the last byte out',
    labelNames: ['method', 'route'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10],
    registers: [registry],
  });
  app.addHook('onResponse', async (request, reply) => {
    const context = contexts.get(request);
    const route = request.routeOptions.url ?? '/';
    const status = reply.statusCode;
    const durationMs = Math.round(performance.now() - (context?.startedAtMs ?? 0));
    requests.inc({ method: request.method, route, status });
    if (request.routeOptions.config.tocsin?.kind !== 'events') {
      durations.observe({ method: request.method, route }, durationMs / 1000);
    }
    if (context === undefined || route === '/healthz' || route.startsWith('/assets')) return;
    const { id: requestId, actor } = context;
    kit.options.log.info('web.request', {
      requestId,
      method: request.method,
      route,
      status,
      durationMs,
      ...(actor.kind === 'person' && { personId: actor.id }),
      ...(actor.kind === 'key' && { keyId: actor.id }),
    });
  });
}

/** OpenAPI 3.1 from the schemas that also check each request: said once, never apart. */
import { z } from 'zod';
import { permissions } from '#kernel/actor.ts';
import type { Installation } from './kit.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;

export function openApiDocument(
  routes: readonly Route[],
  about: { readonly installation: Installation; readonly origin: string },
): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    if (route.api === undefined) continue;
    const path = route.path.replaceAll(/:([A-Za-z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: `Tocsin, ${about.installation.name}`,
      version: '1',
      description:
        'Alerts of a sector. Bearer keys come from `tocsin api-key create`. Errors are problem ' +
        'details (RFC 9457). POSTs take an `Idempotency-Key`, kept for 24 hours.',
    },
    servers: [{ url: about.origin }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: problemSchema },
    },
  };
}

function operation(route: Route): Json {
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...(route.method === 'POST' ? [idempotencyParameter] : []),
  ];
  return {
    operationId: operationId(route),
    summary: route.api?.summary,
    ...(typeof route.access === 'string' &&
      route.access in permissions && { 'x-permission': route.access }),
    ...(route.access === 'public' && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body !== undefined && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: jsonSchema(route.body, 'input') } },
      },
    }),
    responses: responsesOf(route),
  };
}

/** `GET /api/v1/alerts/:id` becomes `getAlertsById`. */
function operationId(route: Route): string {
  const words = route.path
    .replace(/^\/api\/v1/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part.startsWith(':') ? `by-${part.slice(1)}` : part));
  const name = [route.method.toLowerCase(), ...words].join('-');
  return name.replaceAll(/[-.]+([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const described = jsonSchema(schema, 'input') as {
    properties?: Record<string, unknown>;
    required?: string[];
  };
  return Object.entries(described.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || (described.required ?? []).includes(name),
    schema: property,
  }));
}

function responsesOf(route: Route): Json {
  const proper = Object.entries(route.api?.responses ?? {}).map(([status, schema]) => [
    status,
    {
      description: 'Done',
      content: { 'application/json': { schema: jsonSchema(schema, 'output') } },
    },
  ]);
  const problem = { $ref: '#/components/schemas/Problem' };
  const refusal = {
    description: 'Problem details; `errors` names each refused field',
    content: { 'application/problem+json': { schema: problem } },
  };
  return { ...(Object.fromEntries(proper) as Json), default: refusal };
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return described;
}

const idempotencyParameter: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same body within 24 hours gives the first answer again.',
  schema: { type: 'string', minLength: 8, maxLength: 200 },
};

const problemSchema: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: { field: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};

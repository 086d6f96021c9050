import { createHash } from 'node:crypto';
import type { Timeline } from '#src/client/client.ts';
import { WrongStateError } from '#src/core/errors.ts';
import { isReference } from '#src/core/payloads/payload-reference.ts';
import { threadTime } from '#src/core/quotas/thread-time.ts';
import { createConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import { inParts, partsOf } from '#src/gateway/http/reply-parts.ts';
import type { Call, Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import type { Routes } from '../route.ts';
import { findTimeline } from './find-timeline.ts';
import { ownerQuerySchema } from './invocation-schemas.ts';

/** How many large payloads a gateway holds at one moment. One of 64 MB takes up to three times its size. */
const MAX_LARGE_AT_ONCE = 2;

/**
 * The event of an invocation and the value that it returned, as files, also when the content is stored beside the log.
 *
 * A large payload is compared with its digest before its first byte is sent (BIG3). It is sent as fast as the caller reads, and holds its place
 * until then.
 */
export function addPayloadRoutes(routes: Routes, gateway: Gateway): void {
  const places = createConcurrencyLimit(MAX_LARGE_AT_ONCE, () => gateway.credentials.projects);
  const { client } = gateway;

  async function send(call: Call, id: string, fn: string | undefined, { isLarge, read, name }: Content): Promise<Response> {
    const timeline = await findTimeline(gateway, scopeOf(call, gateway), { id, function: fn });
    const release = isLarge(timeline) ? places.enter(call.get('project')) : () => {};
    try {
      const text = await read(timeline);
      const file = { text, name: `${timeline.requestId}.${name}`, onEnd: release };
      return threadTime.spend(call.get('project'), () => fileOf(call, file));
    } catch (error) {
      release();
      throw error;
    }
  }

  const answers = { 200: { description: 'the content, with its digest in Repr-Digest', type: 'application/json' } };
  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/payload',
      summary: 'The event of an invocation, as a file',
      query: ownerQuerySchema,
      answers,
    },
    (call, { params, query }) =>
      send(call, params.id, query.function, {
        name: 'payload',
        isLarge: ({ requestPayload }) => isReference(requestPayload),
        read: (timeline) => client.requestPayload(timeline),
      }),
  );
  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/result',
      summary: 'The value that an invocation returned, as a file',
      query: ownerQuerySchema,
      answers,
    },
    (call, { params, query }) =>
      send(call, params.id, query.function, {
        name: 'result',
        isLarge: (timeline) => successOf(timeline)?.stored !== undefined,
        read: (timeline) => readResult(timeline, client),
      }),
  );
}

type Content = { name: string; isLarge: (timeline: Timeline) => boolean; read: (timeline: Timeline) => Promise<string> };

function successOf({ transitions }: Timeline) {
  for (const { fact } of transitions) if (fact.type === 'succeeded') return fact;
  return undefined;
}

/** Throws `WrongStateError` without a returned value, and `HttpError` 410 for one that was dropped (SRC9). */
async function readResult(timeline: Timeline, client: Pick<Gateway['client'], 'responsePayload'>): Promise<string> {
  const success = successOf(timeline);
  if (success === undefined)
    throw new WrongStateError({ what: `invocation ${timeline.requestId} has returned no value: it is ${timeline.status}` });
  if (success.droppedBytes !== undefined && success.stored === undefined)
    throw new HttpError({ status: 410, message: `the returned value had ${success.droppedBytes} bytes, and was not kept` });
  return (await client.responsePayload(timeline)) ?? '';
}

type File = { text: string; name: string; onEnd: () => void };

function fileOf(call: Call, { text, name, onEnd }: File): Response {
  const bytes = Buffer.from(text);
  const [type, extension] = isJson(text) ? ['application/json', 'json'] : ['text/plain; charset=utf-8', 'txt'];
  const headers = {
    'Content-Type': type,
    'Content-Length': String(bytes.length),
    'Content-Disposition': `attachment; filename="${name}.${extension}"`,
    'Repr-Digest': `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`,
  };
  return new Response(inParts(call, partsOf(bytes), onEnd), { headers });
}

/** A text above this size is judged by its beginning: to parse 64 MB would stop the gateway for a second. */
const MAX_PARSED = 1_048_576;

function isJson(text: string): boolean {
  if (text.length > MAX_PARSED) return /^\s*[[{]/.test(text);
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

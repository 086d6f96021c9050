import type { LogLine } from '#src/client/client.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import type { Routes } from '../route.ts';
import { openEventStream } from './event-stream.ts';
import { type LogLineView, logStreamQuerySchema, logsQuerySchema, logsSchema } from './log-schemas.ts';
import { endsOf, lastEventId } from './streams.ts';

/** The output of the attempts of a function, and their failures. */
export function addLogRoutes(routes: Routes, gateway: Gateway, waiting: ConcurrencyLimit): void {
  addLogRoute(routes, gateway);
  addLogStream(routes, gateway, waiting);
}

function addLogRoute(routes: Routes, gateway: Gateway): void {
  const { client, clock } = gateway;
  routes.add(
    {
      method: 'get',
      path: '/api/functions/{name}/logs',
      summary: 'The output of the attempts of a function, line by line, with the failures of the attempts',
      query: logsQuerySchema,
      answers: { 200: { description: 'the lines that the log holds', schema: logsSchema } },
    },
    async (call, { params, query: { from, to, limit, request_id: invocation, ...filter } }) => {
      const name = scopeOf(call, gateway).token(params.name);
      const until = to === undefined ? undefined : new Date(to);
      const since = new Date(from ?? clock.now() - AN_HOUR_IN_MS);
      const { lines, isComplete, next } = await client.logs.read(name, { since, until, limit, invocation, ...filter });
      // A deleted function keeps its output, so only an empty answer asks whether the name is wrong.
      if (lines.length === 0) await client.functions.get(name);
      return call.json({ lines: lines.map(viewOf), is_complete: isComplete, next });
    },
  );
}

const AN_HOUR_IN_MS = 3_600_000;

function addLogStream(routes: Routes, gateway: Gateway, waiting: ConcurrencyLimit): void {
  const { client, logger } = gateway;
  routes.add(
    {
      method: 'get',
      path: '/api/functions/{name}/logs/stream',
      summary: 'The same lines, live: one event for each attempt that ends, and with `live=true` more while it runs',
      headers: ['Last-Event-ID'],
      query: logStreamQuerySchema,
      answers: {
        200: { description: 'server-sent events of the types "lines" and "live"; the data is a list of lines', type: 'text/event-stream' },
      },
    },
    async (call, { params, query: { from, request_id: invocation, ...filter } }) => {
      const name = scopeOf(call, gateway).token(params.name);
      await client.functions.get(name);
      // Several attempts may end in one message, so a stream that resumes repeats the message of the last event.
      // The reader may invoke the function as soon as the answer begins, so the start is known before that.
      const start = lastEventId(call) ?? from ?? (await client.lastSequence()) + 1;
      const stream = openEventStream(endsOf(call, gateway), waiting.enter(call.get('project')));
      const follow = async (): Promise<void> => {
        for await (const lines of client.logs.follow(name, { from: start, invocation, signal: stream.closed, ...filter }))
          stream.send(`${headOf(lines)}data: ${JSON.stringify(lines.map(viewOf))}\n\n`);
      };
      follow()
        .catch((error: unknown) => logger.warn({ error: String(error) }, 'an event stream cannot follow the logs'))
        .finally(() => stream.end());
      return stream.response;
    },
  );
}

/** Lines of a running attempt have no place in the log. A stream that resumes gets them again with all lines of the attempt. */
const headOf = ([first]: readonly LogLine[]): string => (first?.isLive ? 'event: live\n' : `event: lines\nid: ${first?.sequence}\n`);

function viewOf({
  sequence,
  index,
  at,
  invocation,
  attempt,
  failed,
  kind,
  level,
  message,
  text,
  isCut,
  isStored,
  leftOut,
}: LogLine): LogLineView {
  return withoutUndefined({
    sequence,
    index,
    at,
    request_id: invocation,
    attempt,
    failed,
    kind,
    level,
    message,
    text,
    is_cut: isCut,
    is_stored: isStored,
    left_out: leftOut,
  });
}

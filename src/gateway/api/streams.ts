import type { Hono } from 'hono';
import type { Fact } from '#machines/facts.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import type { FullLogEntry } from '#src/core/event-log.ts';
import type { Room } from '../overload.ts';
import type { Call, Gateway, GatewayEnv } from '../ports.ts';
import { type EventStream, openEventStream } from './event-stream.ts';
import { findTimeline } from './find-timeline.ts';

type Told = { sequence: number; by: string; fact: Fact };

/**
 * Transitions as server-sent events. The id of an event is the sequence of its message in the log. Only the last fact of a
 * message carries it, so a stream that breaks within a message resumes with all of it: at least once, and nothing left out.
 */
export function addStreams(app: Hono<GatewayEnv>, gateway: Gateway, waiting: Room): void {
  const { client, logger, closing } = gateway;

  app.get('/api/transitions', async (call) => {
    const after = lastEventId(call);
    const wanted = call.req.query('function');
    const from = after === undefined ? (await client.lastSequence()) + 1 : after + 1;
    const stream = openEventStream(closing, waiting.enter());
    follow(stream, from, (entry) => {
      const found = factsIn(entry);
      if (found !== undefined && (wanted === undefined || found.function === wanted)) stream.send(render(found.told));
    });
    return stream.response;
  });

  app.get('/api/invocations/:id/events/stream', async (call) => {
    const id = call.req.param('id');
    const after = lastEventId(call) ?? 0;
    const next = (await client.lastSequence()) + 1;
    const { transitions, state } = await findTimeline(gateway, id);
    const missed = transitions.filter(({ sequence }) => sequence > after);
    // 204 is how a reader is told not to come again.
    if (missed.length === 0 && state === 'notified') return call.body(null, 204);
    const stream = openEventStream(closing, waiting.enter());
    const known = transitions.at(-1)?.sequence ?? 0;
    for (const told of bySequence(missed)) stream.send(render(told));
    if (state === 'notified') stream.end();
    else {
      follow(stream, Math.min(next, known + 1), (entry) => {
        if (entry.sequence <= Math.max(known, after)) return;
        const told = factsIn(entry)?.told.filter(({ fact }) => fact.invocation === id) ?? [];
        // A second request under the same id starts nothing.
        if (told.length === 0 || entry.kind === 'request') return;
        stream.send(render(told));
        if (told.some(({ fact }) => fact.type === 'notified')) stream.end();
      });
    }
    return stream.response;
  });

  function follow(stream: EventStream, from: number, onEntry: (entry: FullLogEntry) => void): void {
    client
      .follow(from, onEntry, stream.closed)
      .catch((error: unknown) => logger.warn({ error: String(error) }, 'an event stream cannot follow the log'))
      .finally(() => stream.end());
  }
}

function factsIn(entry: FullLogEntry): { function: string; told: Told[] } | undefined {
  const { sequence } = entry;
  if (entry.kind === 'request')
    return { function: entry.message.name.function, told: entry.message.requests.map(({ fact }) => ({ sequence, by: 'client', fact })) };
  if (entry.kind !== 'append') return undefined;
  return { function: entry.name.function, told: entry.append.facts.map((fact) => ({ sequence, by: entry.append.by, fact })) };
}

function bySequence(transitions: readonly Told[]): Told[][] {
  const found: Told[][] = [];
  for (const told of transitions) {
    const last = found.at(-1);
    if (last?.[0]?.sequence === told.sequence) last.push(told);
    else found.push([told]);
  }
  return found;
}

function render(told: readonly Told[]): string {
  return told
    .map(({ sequence, by, fact }, place) => {
      const id = place === told.length - 1 ? `id: ${sequence}\n` : '';
      return `event: ${fact.type}\n${id}data: ${JSON.stringify({ sequence, by, fact })}\n\n`;
    })
    .join('');
}

function lastEventId(call: Call): number | undefined {
  const text = call.req.header('last-event-id');
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidInputError({ field: 'Last-Event-ID', problem: 'must be the id of an event' });
}

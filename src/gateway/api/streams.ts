import type { Fact } from '#machines/facts.ts';
import { momentsOf } from '#src/analysis/history.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { createTransitionTest, parseTransitionFilter, transitionsIn } from '#src/core/log/transitions.ts';
import { parseMoment } from '#src/core/text/parse-moment.ts';
import { parseWholeNumber } from '#src/core/text/whole-number.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import type { Call, Gateway } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import { type EventStream, openEventStream } from './event-stream.ts';
import { findTimeline } from './find-timeline.ts';
import { eventOf } from './invocation-view.ts';
import type { Routes } from './route.ts';
import type { EventView } from './schemas/invocations.ts';
import { transitionsQuerySchema } from './schemas/repair.ts';

type StreamedTransition = { sequence: number; by: string; fact: Fact };

const answers = { 200: { description: 'server-sent events; the id is the sequence in the log', type: 'text/event-stream' } };

/**
 * Transitions as server-sent events. The id of an event is the sequence of its message in the log. Only the last fact of a
 * message carries it, so a stream that breaks within a message resumes with all of it: at least once, and nothing left out.
 */
export function addStreams(routes: Routes, gateway: Gateway, waiting: ConcurrencyLimit): void {
  const { client, logger, closing } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/transitions',
      summary: 'All transitions, live',
      headers: ['Last-Event-ID'],
      query: transitionsQuerySchema,
      answers,
    },
    async (call, { query }) => {
      const scope = scopeOf(call, gateway);
      const after = lastEventId(call);
      const { function: name, state, condition } = query;
      const isWanted = createTransitionTest(
        parseTransitionFilter({ function: name?.split(',').map(scope.token), state: state?.split(','), condition: condition?.split(',') }),
      );
      const from = after === undefined ? await placeOf(query.from) : after + 1;
      const stream = openEventStream(closing, waiting.enter(call.get('project')));
      follow(stream, from, (entry) => {
        const told = transitionsIn(entry).filter((one) => scope.owns(one.function) && isWanted(one));
        const shown = told.map((one) => ({ ...one, type: one.fact.type, at: one.fact.at, function: scope.nameOf(one.function) }));
        if (shown.length > 0) stream.send(render(shown));
      });
      return stream.response;
    },
  );

  async function placeOf(from = 'now'): Promise<number> {
    if (from === 'now') return (await client.lastSequence()) + 1;
    const sequence = parseWholeNumber(from);
    if (sequence !== undefined) return Math.max(1, sequence);
    const at = parseMoment(from);
    if (at !== undefined) return await client.sequenceAt(new Date(at));
    throw new InvalidInputError({ field: 'from', problem: 'must be now, a sequence of the log, or a moment such as 2026-01-31T12:00:00Z' });
  }

  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/events/stream',
      summary: 'Everything that happened to it, live until it is over',
      headers: ['Last-Event-ID'],
      answers: { ...answers, 204: { description: 'it is over, and nothing was missed' } },
    },
    async (call, { params: { id } }) => {
      const after = lastEventId(call) ?? 0;
      const next = (await client.lastSequence()) + 1;
      const { transitions, state, function: owner } = await findTimeline(gateway, scopeOf(call, gateway), id);
      const known = transitions.at(-1)?.sequence ?? 0;
      const missed = eventsOf(transitions).filter(({ sequence }) => sequence > after);
      // 204 is how a reader is told not to come again.
      if (missed.length === 0 && state === 'notified') return call.body(null, 204);
      const stream = openEventStream(closing, waiting.enter(call.get('project')));
      for (const told of bySequence(missed)) stream.send(render(told));
      const all = [...transitions];
      if (state === 'notified') stream.end();
      else {
        follow(stream, Math.min(next, known + 1), (entry) => {
          if (entry.sequence <= Math.max(known, after)) return;
          const told = transitionsIn(entry).filter((one) => one.fact.invocation === id && one.function === owner);
          // A second request under the same id starts nothing.
          if (told.length === 0 || entry.kind === 'request') return;
          all.push(...told);
          stream.send(render(eventsOf(all).slice(-told.length)));
          if (told.some(({ fact }) => fact.type === 'notified')) stream.end();
        });
      }
      return stream.response;
    },
  );

  function follow(stream: EventStream, from: number, onEntry: (entry: FullLogEntry) => void): void {
    client
      .follow(from, onEntry, stream.closed)
      .catch((error: unknown) => logger.warn({ error: String(error) }, 'an event stream cannot follow the log'))
      .finally(() => stream.end());
  }
}

function eventsOf(transitions: readonly StreamedTransition[]): EventView[] {
  return momentsOf({ transitions }).map(eventOf);
}

function bySequence(events: readonly EventView[]): EventView[][] {
  const found: EventView[][] = [];
  for (const event of events) {
    const last = found.at(-1);
    if (last?.[0]?.sequence === event.sequence) last.push(event);
    else found.push([event]);
  }
  return found;
}

function render(events: readonly { sequence: number; type: string }[]): string {
  return events
    .map((event, place) => {
      const id = place === events.length - 1 ? `id: ${event.sequence}\n` : '';
      return `event: ${event.type}\n${id}data: ${JSON.stringify(event)}\n\n`;
    })
    .join('');
}

function lastEventId(call: Call): number | undefined {
  const text = call.req.header('last-event-id');
  if (text === undefined || text === '') return undefined;
  const id = parseWholeNumber(text);
  if (id !== undefined) return id;
  throw new InvalidInputError({ field: 'Last-Event-ID', problem: 'must be the id of an event' });
}

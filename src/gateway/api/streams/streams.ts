import type { Fact } from '#machines/facts.ts';
import { momentsOf } from '#src/analysis/history.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { createTransitionTest, parseTransitionFilter, transitionsIn } from '#src/core/log/transitions.ts';
import { parseMoment } from '#src/core/text/parse-moment.ts';
import { parseWholeNumber } from '#src/core/text/whole-number.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import type { Call, Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { findTimeline } from '../invocations/find-timeline.ts';
import type { EventView } from '../invocations/invocation-schemas.ts';
import { ownerQuerySchema } from '../invocations/invocation-schemas.ts';
import { eventOf } from '../invocations/invocation-view.ts';
import { transitionsQuerySchema } from '../repair/repair-schemas.ts';
import type { Routes } from '../route.ts';
import { type EventStream, openEventStream } from './event-stream.ts';

type StreamedTransition = { sequence: number; by: string; fact: Fact };

const headers = ['Last-Event-ID'];
const answers = { 200: { description: 'server-sent events; the id is the sequence in the log', type: 'text/event-stream' } };

/**
 * Transitions as server-sent events. The id of an event is the sequence of its message in the log. Only the last fact of a message has the
 * id, so a stream that breaks within a message resumes with the whole message: every fact is sent at least once.
 */
export function addStreams(routes: Routes, gateway: Gateway, waiting: ConcurrencyLimit): void {
  addTransitionStream(routes, gateway, waiting);
  addInvocationStream(routes, gateway, waiting);
}

function addTransitionStream(routes: Routes, gateway: Gateway, waiting: ConcurrencyLimit): void {
  routes.add(
    { method: 'get', path: '/api/transitions', summary: 'All transitions, live', headers, query: transitionsQuerySchema, answers },
    async (call, { query }) => {
      const scope = scopeOf(call, gateway);
      const after = lastEventId(call);
      const { function: name, state, condition } = query;
      const matches = createTransitionTest(
        parseTransitionFilter({ function: name?.split(',').map(scope.token), state: state?.split(','), condition: condition?.split(',') }),
      );
      const from = after === undefined ? await sequenceFrom(gateway, query.from) : after + 1;
      const stream = openEventStream(endsOf(call, gateway), waiting.enter(call.get('project')));
      follow(gateway, { stream, from }, (entry) => {
        const matching = transitionsIn(entry).filter((one) => scope.owns(one.function) && matches(one));
        const views = matching.map((one) => ({ ...one, type: one.fact.type, at: one.fact.at, function: scope.nameOf(one.function) }));
        if (views.length > 0) stream.send(render(views));
      });
      return stream.response;
    },
  );
}

/** A stream ends with the gateway, and with the credential of its reader. */
export function endsOf(call: Call, { closing, credentials }: Gateway): AbortSignal[] {
  const credential = call.get('credential');
  return credential === undefined ? [closing] : [closing, credentials.removalOf(credential)];
}

/** The sequence that `?from` names. Throws `InvalidInputError`. */
async function sequenceFrom({ client }: Gateway, from = 'now'): Promise<number> {
  if (from === 'now') return (await client.lastSequence()) + 1;
  const sequence = parseWholeNumber(from);
  if (sequence !== undefined) return Math.max(1, sequence);
  const at = parseMoment(from);
  if (at !== undefined) return await client.sequenceAt(new Date(at));
  throw new InvalidInputError({ field: 'from', problem: 'must be now, a sequence of the log, or a moment such as 2026-01-31T12:00:00Z' });
}

function addInvocationStream(routes: Routes, gateway: Gateway, waiting: ConcurrencyLimit): void {
  const { client } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/events/stream',
      summary: 'All events of one invocation, live until it is notified',
      headers,
      query: ownerQuerySchema,
      answers: { ...answers, 204: { description: 'the invocation is notified, and the reader has all its events' } },
    },
    async (call, { params: { id }, query }) => {
      const after = lastEventId(call) ?? 0;
      const next = (await client.lastSequence()) + 1;
      const timeline = await findTimeline(gateway, scopeOf(call, gateway), { id, ...query });
      const { transitions, state } = timeline;
      const missed = eventsOf(transitions).filter(({ sequence }) => sequence > after);
      // An EventSource does not reconnect after 204.
      if (missed.length === 0 && state === 'notified') return call.body(null, 204);
      const stream = openEventStream(endsOf(call, gateway), waiting.enter(call.get('project')));
      for (const events of bySequence(missed)) stream.send(render(events));
      if (state === 'notified') stream.end();
      else {
        const known = transitions.at(-1)?.sequence ?? 0;
        const send = sendInvocation(stream, {
          id: timeline.requestId,
          function: timeline.function,
          transitions,
          after: Math.max(known, after),
        });
        follow(gateway, { stream, from: Math.min(next, known + 1) }, send);
      }
      return stream.response;
    },
  );
}

type Followed = { id: string; function: string; transitions: readonly StreamedTransition[]; after: number };

/** Sends the new transitions of one invocation, and ends the stream with its last one. */
function sendInvocation(stream: EventStream, { id, function: owner, transitions, after }: Followed): (entry: FullLogEntry) => void {
  const all = [...transitions];
  return (entry) => {
    // A second request with the same id starts nothing.
    if (entry.sequence <= after || entry.kind === 'request') return;
    const added = transitionsIn(entry).filter((one) => one.fact.invocation === id && one.function === owner);
    if (added.length === 0) return;
    all.push(...added);
    stream.send(render(eventsOf(all).slice(-added.length)));
    if (added.some(({ fact }) => fact.type === 'notified')) stream.end();
  };
}

type Target = { stream: EventStream; from: number };

function follow({ client, logger }: Gateway, { stream, from }: Target, onEntry: (entry: FullLogEntry) => void): void {
  client
    .follow(from, onEntry, stream.closed)
    .catch((error: unknown) => logger.warn({ error: String(error) }, 'an event stream cannot follow the log'))
    .finally(() => stream.end());
}

function eventsOf(transitions: readonly StreamedTransition[]): EventView[] {
  return momentsOf({ transitions }).map(eventOf);
}

/** The events, grouped by their message. */
function bySequence(events: readonly EventView[]): EventView[][] {
  const groups: EventView[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last?.[0]?.sequence === event.sequence) last.push(event);
    else groups.push([event]);
  }
  return groups;
}

/** The events of one message, as text of the event stream. */
function render(events: readonly { sequence: number; type: string }[]): string {
  return events
    .map((event, index) => {
      const id = index === events.length - 1 ? `id: ${event.sequence}\n` : '';
      return `event: ${event.type}\n${id}data: ${JSON.stringify(event)}\n\n`;
    })
    .join('');
}

/** Throws `InvalidInputError`. */
export function lastEventId(call: Call): number | undefined {
  const text = call.req.header('last-event-id');
  if (text === undefined || text === '') return undefined;
  const id = parseWholeNumber(text);
  if (id !== undefined) return id;
  throw new InvalidInputError({ field: 'Last-Event-ID', problem: 'must be the id of an event' });
}

import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import type { Routes } from '../route.ts';
import { findTimeline, timelineAt } from './find-timeline.ts';
import { eventsSchema, invocationQuerySchema, invocationReplySchema, ownerQuerySchema } from './invocation-schemas.ts';
import { eventsOf, viewOf } from './invocation-view.ts';
import { waitOf } from './prefer.ts';
import { waitForOutcome } from './wait-for-outcome.ts';

/** One invocation, with or without waiting for its outcome, and its events. */
export function addInvocationRoutes(routes: Routes, gateway: Gateway, waiting: ConcurrencyLimit): void {
  const waiter = { gateway, waiting };

  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}',
      summary: 'One invocation: its state, its result, and all recorded details',
      headers: ['Prefer'],
      query: invocationQuerySchema,
      answers: { 200: { description: 'the invocation', schema: invocationReplySchema } },
    },
    async (call, { params: { id }, query: { include, at: moment, function: name } }) => {
      const scope = scopeOf(call, gateway);
      const waitInS = waitOf(call.req.header('prefer'));
      const awaited = waitInS === undefined ? undefined : await waitForOutcome(waiter, call, { id, function: name, waitInS });
      const known = awaited ?? (await findTimeline(gateway, scope, { id, function: name }));
      const found = moment === undefined ? known : await timelineAt(gateway, known, moment);
      if (found.envelope === undefined) call.header('Retry-After', '1');
      return call.json({ ...viewOf(found, scope), ...(include === undefined ? {} : { events: eventsOf(found) }) });
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/events',
      summary: 'All events of one invocation, with the state after each transition',
      query: ownerQuerySchema,
      answers: { 200: { description: 'the events, in order', schema: eventsSchema } },
    },
    async (call, { params: { id }, query }) => {
      const scope = scopeOf(call, gateway);
      const timeline = await findTimeline(gateway, scope, { id, ...query });
      return call.json({ request_id: id, function: scope.nameOf(timeline.function), events: eventsOf(timeline) });
    },
  );
}

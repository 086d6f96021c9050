import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { findTimeline } from '../invocations/find-timeline.ts';
import {
  acceptedSchema,
  cancelBodySchema,
  canceledSchema,
  noteBodySchema,
  ownerQuerySchema,
  redeliveredSchema,
  redriveBodySchema,
  settledDeliveriesSchema,
} from '../invocations/invocation-schemas.ts';
import type { Routes } from '../route.ts';

/** Redrive and cancel one invocation; redeliver or dismiss its dead deliveries, and give up its open ones. */
export function addRepairRoutes(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;

  routes.add(
    {
      method: 'post',
      path: '/api/invocations/{id}/redrive',
      summary: 'Redrive an invocation, as a new invocation',
      body: redriveBodySchema,
      isBodyOptional: true,
      query: ownerQuerySchema,
      answers: { 202: { description: 'accepted', schema: acceptedSchema } },
    },
    async (call, { params, query, body: { payload } }) => {
      const { requestId, function: token } = await findTimeline(gateway, scopeOf(call, gateway), { ...params, ...query });
      const traceparent = call.req.header('traceparent');
      const id = await client.repair.redrive(requestId, { function: token, traceparent, ...(payload === undefined ? {} : { payload }) });
      return call.json({ request_id: id }, 202, { Location: `/api/invocations/${id}` });
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/invocations/{id}/cancel',
      summary: 'Cancel an invocation: no further attempt starts, and a running attempt is aborted',
      body: cancelBodySchema,
      isBodyOptional: true,
      query: ownerQuerySchema,
      answers: { 202: { description: 'the ids of the cancelled invocations', schema: canceledSchema } },
    },
    async (call, { params, query, body: { recursive, reason } }) => {
      const { requestId: id, function: token } = await findTimeline(gateway, scopeOf(call, gateway), { ...params, ...query });
      const canceled = await client.cancel(id, { recursive, function: token, ...(reason === undefined ? {} : { reason }) });
      return call.json({ canceled }, 202);
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/invocations/{id}/deliveries/{destination}/redeliver',
      summary: 'Try a dead delivery again; the function does not run again',
      query: ownerQuerySchema,
      answers: { 202: { description: 'the destinations of the deliveries that are tried again', schema: redeliveredSchema } },
    },
    async (call, { params: { destination, ...named }, query }) => {
      const { requestId: id, function: token } = await findTimeline(gateway, scopeOf(call, gateway), { ...named, ...query });
      const destinations = await client.repair.redeliver(id, destination, { function: token });
      return call.json({ request_id: id, destinations }, 202);
    },
  );

  const settling = [
    { verb: 'give-up', summary: 'End an open delivery with a note: it is not tried again', settle: 'giveUp' },
    { verb: 'dismiss', summary: 'Dismiss a dead delivery with a note: it is no dead letter any more', settle: 'dismiss' },
  ] as const;
  for (const { verb, summary, settle } of settling) {
    routes.add(
      {
        method: 'post',
        path: `/api/invocations/{id}/deliveries/{destination}/${verb}`,
        summary,
        body: noteBodySchema,
        query: ownerQuerySchema,
        answers: { 200: { description: 'the destinations of the settled deliveries', schema: settledDeliveriesSchema } },
      },
      async (call, { params: { destination, ...named }, query, body: { note } }) => {
        const { requestId: id, function: token } = await findTimeline(gateway, scopeOf(call, gateway), { ...named, ...query });
        return call.json({ request_id: id, destinations: await client.repair[settle](id, { function: token, destination, note }) });
      },
    );
  }
}

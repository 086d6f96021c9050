import type { Gateway } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import { findTimeline } from './find-timeline.ts';
import type { Routes } from './route.ts';
import {
  acceptedSchema,
  cancelBodySchema,
  canceledSchema,
  ownerQuerySchema,
  redeliveredSchema,
  redriveBodySchema,
} from './schemas/invocations.ts';

/** Redrive and cancel one invocation, and redeliver its dead deliveries. */
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
      const { function: token } = await findTimeline(gateway, scopeOf(call, gateway), { ...params, ...query });
      const traceparent = call.req.header('traceparent');
      const id = await client.repair.redrive(params.id, { function: token, traceparent, ...(payload === undefined ? {} : { payload }) });
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
    async (call, { params: { id }, query, body: { recursive, reason } }) => {
      const { function: token } = await findTimeline(gateway, scopeOf(call, gateway), { id, ...query });
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
    async (call, { params: { id, destination }, query }) => {
      const { function: token } = await findTimeline(gateway, scopeOf(call, gateway), { id, ...query });
      const destinations = await client.repair.redeliver(id, destination, { function: token });
      return call.json({ request_id: id, destinations }, 202);
    },
  );
}

import type { Gateway } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import { findTimeline } from './find-timeline.ts';
import type { Routes } from './route.ts';
import { acceptedSchema, cancelBodySchema, canceledSchema, redeliveredSchema, redriveBodySchema } from './schemas/invocations.ts';

/** Running one invocation again, cancelling it, and having its dead deliveries tried again. */
export function addRepairRoutes(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;

  routes.add(
    {
      method: 'post',
      path: '/api/invocations/{id}/redrive',
      summary: 'Run it again, as a new invocation',
      body: redriveBodySchema,
      isBodyOptional: true,
      answers: { 202: { description: 'accepted', schema: acceptedSchema } },
    },
    async (call, { params, body: { payload } }) => {
      const { function: token } = await findTimeline(gateway, scopeOf(call, gateway), params.id);
      const traceparent = call.req.header('traceparent');
      const id = await client.repair.redrive(params.id, { function: token, traceparent, ...(payload === undefined ? {} : { payload }) });
      return call.json({ request_id: id }, 202, { Location: `/api/invocations/${id}` });
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/invocations/{id}/cancel',
      summary: 'End it: what waits never runs, what runs is given up',
      body: cancelBodySchema,
      isBodyOptional: true,
      answers: { 202: { description: 'the ids that were ended', schema: canceledSchema } },
    },
    async (call, { params: { id }, body: { recursive, reason } }) => {
      const { function: token } = await findTimeline(gateway, scopeOf(call, gateway), id);
      const canceled = await client.cancel(id, { recursive, function: token, ...(reason === undefined ? {} : { reason }) });
      return call.json({ canceled }, 202);
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/invocations/{id}/deliveries/{destination}/redeliver',
      summary: 'Have a dead delivery tried again; the function does not run again',
      answers: { 202: { description: 'the destinations that are told again', schema: redeliveredSchema } },
    },
    async (call, { params: { id, destination } }) => {
      const { function: token } = await findTimeline(gateway, scopeOf(call, gateway), id);
      const destinations = await client.repair.redeliver(id, destination, { function: token });
      return call.json({ request_id: id, destinations }, 202);
    },
  );
}

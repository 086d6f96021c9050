import { parseJson } from '#src/core/json/json.ts';
import { memberText } from '#src/core/json/json-parts.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';
import { textOf } from '#src/gateway/http/bodies/body.ts';
import { LARGE_BOUNDS } from '#src/gateway/http/bodies/json-scan.ts';
import type { Call, Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import type { Routes } from '../route.ts';
import {
  scheduleBodySchema,
  scheduleQuerySchema,
  scheduleRunSchema,
  scheduleSchema,
  schedulesQuerySchema,
  schedulesSchema,
} from './schedule-schemas.ts';

const PATH = '/api/schedules/{name}';
const answers = { 200: { description: 'the schedule', schema: scheduleSchema } };

/** The schedules of the functions of a project. */
export function addScheduleRoutes(routes: Routes, gateway: Gateway): void {
  addScheduleQueries(routes, gateway);
  addScheduleChanges(routes, gateway);
  addPauseRoute(routes, gateway, true);
  addPauseRoute(routes, gateway, false);
}

function addScheduleQueries(routes: Routes, gateway: Gateway): void {
  const { schedules } = gateway.client;

  routes.add(
    {
      method: 'get',
      path: '/api/schedules',
      summary: 'All schedules, each with its next fire times',
      query: schedulesQuerySchema,
      answers: { 200: { description: 'the schedules, by name', schema: schedulesSchema } },
    },
    async (call, { query }) => {
      const scope = scopeOf(call, gateway);
      // The fire times of other projects' schedules are not computed.
      const { states } = await schedules.page({ limit: Number.POSITIVE_INFINITY, isWanted: (name) => scope.owns(name) }, query.next);
      return replyText(call, `{"schedules":[${states.map((found) => textFor(found, scope)).join(',')}]}`);
    },
  );

  routes.add(
    { method: 'get', path: PATH, summary: 'A schedule with its next fire times', query: scheduleQuerySchema, answers },
    async (call, { params, query }) => reply(call, gateway, await schedules.get(scopeOf(call, gateway).token(params.name), query.next)),
  );
}

function addScheduleChanges(routes: Routes, gateway: Gateway): void {
  const { schedules } = gateway.client;

  routes.add(
    {
      method: 'put',
      path: PATH,
      summary: 'Create a schedule, or replace it as a whole',
      body: scheduleBodySchema,
      bounds: LARGE_BOUNDS,
      answers,
    },
    async (call, { params, body }) => {
      const scope = scopeOf(call, gateway);
      const { time_zone, catch_up_ms, jitter_ms, event: _, ...fields } = body;
      const stored = await schedules.put({
        ...fields,
        name: scope.token(params.name),
        function: scope.token(body.function),
        timeZone: time_zone,
        // As it was written: numbers beyond 2^53 would change if the event were parsed.
        event: memberText(textOf(call.get('body')), 'event') ?? '',
        catchUpInMs: catch_up_ms,
        jitterInMs: jitter_ms,
      });
      return reply(call, gateway, stored);
    },
  );

  routes.add(
    { method: 'delete', path: PATH, summary: 'Delete a schedule; its invocations stay', answers: { 204: { description: 'deleted' } } },
    async (call, { params }) => {
      await schedules.delete(scopeOf(call, gateway).token(params.name));
      return call.body(null, 204);
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/schedules/{name}/run',
      summary: 'Invoke the function of a schedule now',
      answers: { 202: { description: 'the invocation', schema: scheduleRunSchema } },
    },
    async (call, { params }) => {
      const scope = scopeOf(call, gateway);
      const { schedule } = await schedules.get(scope.token(params.name), 0);
      return call.json({ request_id: await schedules.run(schedule.name), function: scope.nameOf(schedule.function) }, 202);
    },
  );
}

function addPauseRoute(routes: Routes, gateway: Gateway, paused: boolean): void {
  routes.add(
    {
      method: 'post',
      path: paused ? '/api/schedules/{name}/pause' : '/api/schedules/{name}/resume',
      summary: paused ? 'Stop firing a schedule' : 'Resume a paused schedule; the fire times of the pause are not made up',
      answers,
    },
    async (call, { params }) =>
      reply(call, gateway, await gateway.client.schedules.setPaused(scopeOf(call, gateway).token(params.name), paused)),
  );
}

function reply(call: Call, gateway: Gateway, state: ScheduleState): Response {
  return replyText(call, textFor(state, scopeOf(call, gateway)));
}

function replyText(call: Call, text: string): Response {
  return call.body(text, 200, { 'Content-Type': 'application/json' });
}

/** A schedule as JSON, with its event as it was written. */
function textFor(state: ScheduleState, scope: Scope): string {
  const { event } = state.schedule;
  const view = JSON.stringify(viewOf(state, scope));
  if (event === '') return `${view.slice(0, -1)},"event":{},"event_text":"{}"}`;
  // Without the key of the project the event is a sealed text.
  if (parseJson(event) === undefined) return view;
  return `${view.slice(0, -1)},"event":${event},"event_text":${JSON.stringify(event)}}`;
}

function viewOf({ schedule, revision, progress, next, late }: ScheduleState, scope: Scope) {
  const { name, function: fn, timeZone, catchUpInMs, jitterInMs, createdAt, event: _, since: __, ...fields } = schedule;
  const { last, fired, skipped, missed } = progress;
  return withoutUndefined({
    ...fields,
    name: scope.nameOf(name),
    function: scope.nameOf(fn),
    time_zone: timeZone,
    catch_up_ms: catchUpInMs,
    jitter_ms: jitterInMs,
    revision,
    created_at: createdAt,
    fired,
    last: last === undefined ? undefined : { at: last.at, request_id: last.id },
    skipped,
    missed,
    late: late === undefined ? undefined : { at: late.at, due_at: late.dueAt },
    next: next.map(({ at, dueAt }) => ({ at, due_at: dueAt })),
  });
}

import type { Hono } from 'hono';
import { keyedId } from '#src/core/names/ids.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Gateway, GatewayEnv } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { inSeconds } from '../times.ts';

const FUNCTIONS = '/v2/:project/fgs/functions';

/** `enableAsyncStatusLog` and `showProjectAsyncStatusLogInfo`. The rows themselves are at `/api/status-log`. */
export function addStatusLog(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { records, clock } = gateway;

  app.post(`${FUNCTIONS}/enable-async-status-logs`, async (call) => {
    const { project } = scopeOf(call, gateway);
    if (records.statusLog(project) === undefined) await records.putStatusLog(project, { enabled_time: inSeconds(clock.now()) });
    return call.json({});
  });

  app.get(`${FUNCTIONS}/async-status-log-detail`, (call) => {
    const { project } = scopeOf(call, gateway);
    if (records.statusLog(project) === undefined)
      throw new HttpError({ status: 404, message: 'the status log is not enabled: call enable-async-status-logs first' });
    return call.json(statusLogOf(project));
  });
}

/** The log group and log stream that the vendor's API shows. Their ids are derived from the project, so they never change. */
function statusLogOf(project: string) {
  return {
    group_name: `sequent-${project}`,
    group_id: keyedId(`${project}/log-group`),
    stream_id: keyedId(`${project}/async-status-log`),
    stream_name: 'async-status-log',
  };
}

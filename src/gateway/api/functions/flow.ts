import type { PoolState } from '#src/client/state/flow.ts';
import { poolsNamed, shownPool, tokenOfPool } from '#src/core/functions/pool-names.ts';
import type { Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import type { Routes } from '../route.ts';
import { flowQuerySchema, flowSchema, type PoolView } from './flow-schemas.ts';

/** The slots that the functions of a project share over all workers. */
export function addFlowRoute(routes: Routes, gateway: Gateway): void {
  routes.add(
    {
      method: 'get',
      path: '/api/flow',
      summary: 'The slots over all workers: for each pool and for each key how many attempts run and wait',
      query: flowQuerySchema,
      answers: { 200: { description: 'the pools', schema: flowSchema } },
    },
    async (call, { query: { name, keys } }) => {
      const scope = scopeOf(call, gateway);
      const pools = name === undefined ? undefined : poolsNamed(scope.token(name));
      const found = await gateway.client.flow.pools({ ...scope.filter, pools, keys });
      return call.json({ pools: found.filter(({ pool }) => scope.owns(tokenOfPool(pool))).map((one) => viewOf(one, scope)) });
    },
  );
}

function viewOf({ pool, functions, running, waiting, since, keys, isCut }: PoolState, scope: Scope): PoolView {
  return withoutUndefined({
    pool: scope.nameOf(tokenOfPool(pool)),
    is_shared: shownPool(pool).isShared,
    functions: functions.map(({ name: token, flow, ...counts }) =>
      withoutUndefined({
        function: scope.nameOf(token),
        concurrency: flow?.concurrency,
        key: flow?.key,
        total: flow?.total,
        rate: flow?.rate,
        running: counts.running,
        waiting: counts.waiting,
      }),
    ),
    running,
    waiting,
    since,
    keys: keys.map(({ nextAt: _, ...key }) => withoutUndefined(key)),
    is_cut: isCut,
  });
}

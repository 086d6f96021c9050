import { explain } from '#src/analysis/explain.ts';
import { whenCaughtUp } from '../caught-up.ts';
import type { Gateway } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import { findTimeline } from './find-timeline.ts';
import { rowOf } from './invocation-view.ts';
import type { Routes } from './route.ts';
import { explanationSchema, ownerQuerySchema, treeSchema } from './schemas/invocations.ts';

/** The explanation of an invocation, and its chain. */
export function addExplainRoutes(routes: Routes, gateway: Gateway): void {
  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/explain',
      summary: 'The explanation of an invocation in sentences: what happened, by which rule, what it waits for, what to do',
      query: ownerQuerySchema,
      answers: { 200: { description: 'the sentences', schema: explanationSchema } },
    },
    async (call, { params: { id }, query }) => {
      const timeline = await findTimeline(gateway, scopeOf(call, gateway), { id, ...query });
      return call.json({ sentences: explain(timeline, gateway.clock.now()) });
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/tree',
      summary: 'The whole chain of an invocation, with the redriven invocations',
      query: ownerQuerySchema,
      answers: { 200: { description: 'the invocations of the chain, the oldest first', schema: treeSchema } },
    },
    async (call, { params: { id }, query }) => {
      const scope = scopeOf(call, gateway);
      // A chain stays within its project, so a caller that may see one invocation of it may see all.
      const { function: token } = await findTimeline(gateway, scope, { id, ...query });
      // The invocation was found in the log; the read model may be behind the log.
      await whenCaughtUp(gateway);
      const { root, nodes, isCut } = await gateway.client.history.tree(id, { function: token });
      const visible = nodes.filter((node) => scope.owns(node.function));
      return call.json({ root, nodes: visible.map((node) => rowOf(node, scope)), is_cut: isCut });
    },
  );
}

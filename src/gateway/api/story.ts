import { explain } from '#src/analysis/explain.ts';
import { whenCaughtUp } from '../caught-up.ts';
import type { Gateway } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import { findTimeline } from './find-timeline.ts';
import { rowOf } from './invocation-view.ts';
import type { Routes } from './route.ts';
import { explanationSchema, treeSchema } from './schemas/invocations.ts';

/** What happened to an invocation and why, and what it is part of. */
export function addStoryRoutes(routes: Routes, gateway: Gateway): void {
  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/explain',
      summary: 'Its story in sentences: what happened by which rule, what it waits for, what to do',
      answers: { 200: { description: 'the sentences', schema: explanationSchema } },
    },
    async (call, { params: { id } }) => {
      const timeline = await findTimeline(gateway, scopeOf(call, gateway), id);
      return call.json({ sentences: explain(timeline, gateway.clock.now()) });
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/tree',
      summary: 'The whole chain that it is part of, and what was run again',
      answers: { 200: { description: 'the invocations of the chain, the oldest first', schema: treeSchema } },
    },
    async (call, { params: { id } }) => {
      const scope = scopeOf(call, gateway);
      // A chain stays within its project: whoever may see one of it may see all.
      await findTimeline(gateway, scope, id);
      // The log knows it already; the read model may be a moment behind.
      await whenCaughtUp(gateway);
      const { root, nodes, isCut } = await gateway.client.history.tree(id);
      const visible = nodes.filter((node) => scope.owns(node.function));
      return call.json({ root, nodes: visible.map((node) => rowOf(node, scope)), is_cut: isCut });
    },
  );
}

import { explain } from '#src/analysis/explain/explain.ts';
import type { Wait } from '#src/analysis/explain/queue-waits.ts';
import { dependsOnSurroundings, whyWaiting } from '#src/analysis/explain/why-waiting.ts';
import { momentsOf, stateOf } from '#src/analysis/history.ts';
import type { Timeline } from '#src/client/client.ts';
import { readSurroundings } from '#src/client/state/surroundings.ts';
import { unknownInSilence } from '#src/core/no-answer-error.ts';
import { inLanguage } from '#src/core/text/language.ts';
import { languageOfCall } from '../../http/language.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import type { Routes } from '../route.ts';
import type { WaitView } from '../system/system-schemas.ts';
import { findTimeline } from './find-timeline.ts';
import { explanationSchema, ownerQuerySchema, treeSchema } from './invocation-schemas.ts';
import { rowOf, withoutUndefined } from './invocation-view.ts';

/** The explanation of an invocation, and its chain. */
export function addExplainRoutes(routes: Routes, gateway: Gateway): void {
  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/explain',
      summary:
        'The explanation of an invocation in sentences: what happened, by which rule, what it waits for, what to do; Chinese by Accept-Language',
      query: ownerQuerySchema,
      answers: { 200: { description: 'the sentences', schema: explanationSchema } },
    },
    async (call, { params: { id }, query }) => {
      const scope = scopeOf(call, gateway);
      const timeline = await findTimeline(gateway, scope, { id, ...query });
      const history = { ...timeline, function: scope.nameOf(timeline.function) };
      const around = await surroundingsOf(gateway, timeline, history.function);
      const now = gateway.clock.now();
      return inLanguage(languageOfCall(call), () => {
        const wait = whyWaiting(momentsOf(history), now, around);
        return call.json(
          withoutUndefined({ sentences: explain(history, now, around), wait: wait === undefined ? undefined : viewOf(wait) }),
        );
      });
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
      const { requestId, function: token, transitions } = await findTimeline(gateway, scope, { id, ...query });
      // The invocation was found in the log; the read model may be behind the log.
      const { root, nodes, isCut } = await gateway.client.history.tree(
        requestId,
        { function: token },
        { atLeast: transitions.at(-1)?.sequence ?? 0 },
      );
      const visible = nodes.filter((node) => scope.owns(node.function));
      return call.json({ root, nodes: visible.map((node) => rowOf(node, scope)), is_cut: isCut });
    },
  );
}

/** The state of the function and of the roles; `undefined` when the explanation depends on none of them, and while no process answers. */
async function surroundingsOf({ client }: Gateway, { function: token, requestPayload: payload, transitions }: Timeline, name: string) {
  if (!dependsOnSurroundings(momentsOf({ transitions }))) return undefined;
  const around = await readSurroundings(client, token, { ...stateOf({ transitions }).context, payload }).catch(unknownInSilence);
  return around === undefined ? undefined : { ...around, name };
}

function viewOf({ kind, text, remedy }: Wait): WaitView {
  return { kind, in_words: text, ...(remedy === undefined ? {} : { remedy }) };
}

import type { DeliverySummary } from '#src/core/history-questions.ts';
import type { Gateway } from '../ports.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { attempt, inTurns, sorted } from './bulk.ts';
import { withoutUndefined } from './invocation-view.ts';
import { linkNext } from './list.ts';
import type { Routes } from './route.ts';
import {
  bulkSchema,
  type DeadLetterView,
  deadLetterQuerySchema,
  deadLetterRedriveBodySchema,
  deadLettersSchema,
} from './schemas/repair.ts';

type Asked = { function?: string | undefined; limit: number; cursor?: string | undefined };

/** Deliveries that were given up. They are folded from the log, and wait until somebody has them tried again. */
export function addDeadLetterRoutes(routes: Routes, gateway: Gateway): void {
  const { client, clock } = gateway;

  async function pageOf(scope: Scope, { function: name, limit, cursor }: Asked) {
    const token = name === undefined ? undefined : scope.token(name);
    return await client.history.deadLetters({ ...scope.filter, limit, ...withoutUndefined({ function: token, cursor }) });
  }

  routes.add(
    {
      method: 'get',
      path: '/api/dead-letters',
      summary: 'Deliveries that were given up, those of the newest invocations first',
      query: deadLetterQuerySchema,
      answers: { 200: { description: 'one page', schema: deadLettersSchema } },
    },
    async (call, { query }) => {
      const scope = scopeOf(call, gateway);
      const { deadLetters, cursor } = await pageOf(scope, query);
      linkNext(call, cursor);
      const dead_letters = deadLetters.map((letter) => viewOf(letter, scope));
      return call.json({ dead_letters, ...(cursor === null ? {} : { next_cursor: cursor }) });
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/dead-letters/redrive',
      summary: 'Have those that match tried again; no function runs again',
      body: deadLetterRedriveBodySchema,
      isBodyOptional: true,
      answers: { 200: { description: 'what was done to each', schema: bulkSchema } },
    },
    async (call, { body: { filter, dry_run, limit, cursor, rate } }) => {
      const scope = scopeOf(call, gateway);
      const page = await pageOf(scope, { function: filter.function, limit: Math.min(500, limit), cursor });
      const meant = page.deadLetters.filter(({ destination }) => matches(destination, filter.destination));
      const next = page.cursor === null ? {} : { next_cursor: page.cursor };
      if (dry_run) return call.json({ matched: meant.length, done: [], failed: [], ...next });
      const startedAt = clock.now();
      const results = await inTurns(
        [...meant.entries()],
        async ([place, { id, function: token, destination }]) => {
          const waitInMs = rate === undefined ? 0 : startedAt + (place * 1_000) / rate - clock.now();
          if (waitInMs > 0) await clock.sleep(waitInMs);
          const what = { request_id: id, destination_id: destination };
          return await attempt(what, async () => {
            await client.repair.redeliver(id, destination, { function: token });
            return what;
          });
        },
        rate === undefined ? undefined : 1,
      );
      return call.json({ matched: meant.length, ...sorted(results), ...next });
    },
  );
}

/** By its id, or by what all of a kind share: `http` is `http-0` and `http-1`. */
function matches(id: string, wanted: string | undefined): boolean {
  return wanted === undefined || id === wanted || id.replace(/-\d+$/, '') === wanted.toLowerCase();
}

function viewOf({ id, function: token, destination, kind, param, tries, reason }: DeliverySummary, scope: Scope): DeadLetterView {
  const known = { request_id: id, function: scope.nameOf(token), destination_id: destination, destination: kind, param, tries };
  return withoutUndefined({ ...known, reason: reason ?? undefined });
}

import type { AnswerOf, DeliverySummary } from '#src/core/history-questions.ts';
import type { Gateway } from '../ports.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { attempt, groupResults } from './bulk-results.ts';
import { withoutUndefined } from './invocation-view.ts';
import { linkNext } from './list.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { Routes } from './route.ts';
import {
  type BulkView,
  bulkSchema,
  type DeadLetterBody,
  type DeadLetterView,
  deadLetterDismissBodySchema,
  deadLetterQuerySchema,
  deadLetterRedriveBodySchema,
  deadLettersSchema,
} from './schemas/repair.ts';

const MAX_PAGE = 500;

type PageQuery = { function?: string | undefined; limit: number; cursor?: string | undefined };

/** Dead deliveries. The read model folds them from the log; they stay dead until a caller redelivers or dismisses them. */
export function addDeadLetterRoutes(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/dead-letters',
      summary: 'Dead deliveries, in the order of their invocations, the newest first',
      query: deadLetterQuerySchema,
      answers: { 200: { description: 'one page', schema: deadLettersSchema } },
    },
    async (call, { query }) => {
      const scope = scopeOf(call, gateway);
      const { deadLetters, cursor } = await pageOf(gateway, scope, query);
      linkNext(call, cursor);
      const dead_letters = deadLetters.map((letter) => viewOf(letter, scope));
      return call.json({ dead_letters, ...(cursor === null ? {} : { next_cursor: cursor }) });
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/dead-letters/redrive',
      summary: 'Try the dead deliveries that match again; no function runs again',
      body: deadLetterRedriveBodySchema,
      isBodyOptional: true,
      answers: { 200: { description: 'the result of each delivery', schema: bulkSchema } },
    },
    async (call, { body }) =>
      call.json(
        await perform({ gateway, scope: scopeOf(call, gateway) }, body, async ({ id, function: token, destination }) => {
          await client.repair.redeliver(id, destination, { function: token });
        }),
      ),
  );

  routes.add(
    {
      method: 'post',
      path: '/api/dead-letters/dismiss',
      summary: 'Dismiss the dead deliveries that match, with a note; they are no dead letters any more',
      body: deadLetterDismissBodySchema,
      answers: { 200: { description: 'the result of each delivery', schema: bulkSchema } },
    },
    async (call, { body: { note, ...body } }) =>
      call.json(
        await perform({ gateway, scope: scopeOf(call, gateway) }, body, async ({ id, function: token, destination }) => {
          await client.repair.dismiss(id, { destination, function: token, note });
        }),
      ),
  );
}

async function pageOf({ client }: Gateway, scope: Scope, { function: name, limit, cursor }: PageQuery): Promise<AnswerOf<'dead'>> {
  const token = name === undefined ? undefined : scope.token(name);
  return await client.history.deadLetters({ ...scope.filter, limit, ...withoutUndefined({ function: token, cursor }) });
}

/** Performs an action for each dead delivery that matches. */
async function perform(
  { gateway, scope }: { gateway: Gateway; scope: Scope },
  { filter, dry_run, limit, cursor, rate }: DeadLetterBody,
  action: (letter: DeliverySummary) => Promise<void>,
): Promise<BulkView> {
  const { clock } = gateway;
  const page = await pageOf(gateway, scope, { function: filter.function, limit: Math.min(MAX_PAGE, limit), cursor });
  const matching = page.deadLetters.filter(({ destination }) => matches(destination, filter.destination));
  const next = page.cursor === null ? {} : { next_cursor: page.cursor };
  if (dry_run) return { matched: matching.length, done: [], failed: [], ...next };
  const startedAt = clock.now();
  const results = await mapConcurrently(
    [...matching.entries()],
    async ([index, letter]) => {
      const waitInMs = rate === undefined ? 0 : startedAt + (index * 1_000) / rate - clock.now();
      if (waitInMs > 0) await clock.sleep(waitInMs);
      const subject = { request_id: letter.id, destination_id: letter.destination };
      return await attempt(subject, async () => {
        await action(letter);
        return subject;
      });
    },
    rate === undefined ? undefined : 1,
  );
  return { matched: matching.length, ...groupResults(results, scope), ...next };
}

/** Whether a destination has the wanted id, or the wanted kind: `http` matches `http-0` and `http-1`. */
function matches(id: string, wanted: string | undefined): boolean {
  return wanted === undefined || id === wanted || id.replace(/-\d+$/, '') === wanted.toLowerCase();
}

function viewOf({ id, function: token, destination, kind, param, tries, reason }: DeliverySummary, scope: Scope): DeadLetterView {
  const known = { request_id: id, function: scope.nameOf(token), destination_id: destination, destination: kind, param, tries };
  return withoutUndefined({ ...known, reason: reason ?? undefined });
}

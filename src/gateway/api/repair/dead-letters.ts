import type { AnswerOf, DeliverySummary } from '#src/core/history-questions.ts';
import type { Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import { linkNext } from '../invocations/list.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { Routes } from '../route.ts';
import { attempt, groupResults } from './bulk-results.ts';
import {
  type BulkView,
  bulkSchema,
  type DeadLetterBody,
  type DeadLetterFilter,
  type DeadLetterGroups,
  type DeadLetterView,
  deadLetterDismissBodySchema,
  deadLetterGroupsQuerySchema,
  deadLetterGroupsSchema,
  deadLetterQuerySchema,
  deadLetterRedriveBodySchema,
  deadLettersSchema,
} from './repair-schemas.ts';

const MAX_PAGE = 500;

type PageQuery = DeadLetterFilter & { limit: number; cursor?: string | undefined; atLeast?: number };
type Letters = AnswerOf<'dead'>;

/** A request with a filter reads at most so many pages of letters, so a page of its answer may be short although more follow. */
const MAX_READ = 20;
/** The letters that one request groups. */
const MAX_GROUPED = MAX_PAGE * MAX_READ;

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
      method: 'get',
      path: '/api/dead-letters/groups',
      summary: 'Dead deliveries in groups with their counts, by function, destination and reason',
      query: deadLetterGroupsQuerySchema,
      answers: { 200: { description: 'the groups', schema: deadLetterGroupsSchema } },
    },
    async (call, { query: { by, ...filter } }) => {
      const scope = scopeOf(call, gateway);
      const letters: DeliverySummary[] = [];
      let cursor: string | undefined;
      do {
        const page = await pageOf(gateway, scope, { ...filter, limit: MAX_PAGE, cursor });
        letters.push(...page.deadLetters);
        cursor = page.cursor ?? undefined;
      } while (cursor !== undefined && letters.length < MAX_GROUPED);
      return call.json({ groups: groupsOf(letters, by, scope), counted: letters.length, is_at_least: cursor !== undefined });
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

/** A page of the letters that match. The read model selects by function; the rest is judged here, where sealed texts are open. */
async function pageOf(
  { client }: Gateway,
  scope: Scope,
  { function: name, limit, cursor, atLeast, ...filter }: PageQuery,
): Promise<Letters> {
  const token = name === undefined ? undefined : scope.token(name);
  const read = (size: number, from: string | undefined): Promise<Letters> =>
    client.history.deadLetters(
      { ...scope.filter, limit: size, ...withoutUndefined({ function: token, cursor: from }) },
      withoutUndefined({ atLeast }),
    );
  const matching: DeliverySummary[] = [];
  let next = cursor;
  for (let pages = 0; pages < MAX_READ; pages++) {
    // A page holds whole invocations, and its cursor is behind its last one: no more than the rest of the answer is read.
    const page = await read(limit - matching.length, next);
    matching.push(...page.deadLetters.filter((letter) => matches(letter, filter)));
    if (page.cursor === null) return { deadLetters: matching, cursor: null };
    next = page.cursor;
    if (matching.length >= limit) break;
  }
  return { deadLetters: matching, cursor: next ?? null };
}

/** Performs an action for each dead delivery that matches. */
async function perform(
  { gateway, scope }: { gateway: Gateway; scope: Scope },
  { filter, dry_run, limit, cursor, rate }: DeadLetterBody,
  action: (letter: DeliverySummary) => Promise<void>,
): Promise<BulkView> {
  const { client, clock } = gateway;
  // Every delivery that was dead before the request counts, however far the read model is.
  const atLeast = await client.lastSequence();
  const page = await pageOf(gateway, scope, { ...filter, limit: Math.min(MAX_PAGE, limit), cursor, atLeast });
  const matching = page.deadLetters;
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

/** `destination` is an id or a kind: `http` matches `http-0` and `http-1`. */
function matches({ destination: id, param, reason }: DeliverySummary, wanted: Omit<DeadLetterFilter, 'function'>): boolean {
  const { destination, target, reason: part } = wanted;
  return (
    (destination === undefined || id === destination || id.replace(/-\d+$/, '') === destination.toLowerCase()) &&
    (target === undefined || param === target) &&
    (part === undefined || (reason ?? '').toLowerCase().includes(part.toLowerCase()))
  );
}

/** The letters in groups, the largest group first. The letters come the newest first. */
function groupsOf(letters: readonly DeliverySummary[], by: readonly string[], scope: Scope): DeadLetterGroups['groups'] {
  const groups = new Map<string, DeadLetterGroups['groups'][number]>();
  for (const letter of letters) {
    const { function: name, destination_id: _, request_id, destination, param, reason, tries: __ } = viewOf(letter, scope);
    const common = {
      ...(by.includes('function') ? { function: name } : {}),
      ...(by.includes('destination') ? { destination, param } : {}),
      ...(by.includes('reason') ? withoutUndefined({ reason }) : {}),
    };
    const key = JSON.stringify(common);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { ...common, count: 1, newest: { request_id, function: name } });
    else known.count++;
  }
  return [...groups.values()].sort((one, other) => other.count - one.count);
}

function viewOf({ id, function: token, destination, kind, param, tries, reason }: DeliverySummary, scope: Scope): DeadLetterView {
  const known = { request_id: id, function: scope.nameOf(token), destination_id: destination, destination: kind, param, tries };
  return withoutUndefined({ ...known, reason: reason ?? undefined });
}

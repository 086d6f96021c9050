import { InvocationNotFoundError, WrongStateError } from '#src/core/errors.ts';
import type { HistoryFilter, HistoryPage, InvocationSummary } from '#src/core/history-questions.ts';
import type { Gateway } from '../ports.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { attempt, type Done, groupResults } from './bulk-results.ts';
import { type ApiFilter, historyFilter } from './list.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { Routes } from './route.ts';
import { type BulkView, bulkCancelBodySchema, bulkRedriveBodySchema, bulkSchema } from './schemas/repair.ts';

const OPEN = ['queued', 'running', 'retrying'] as const;
const MAX_PAGE = 500;
const answers = { 200: { description: 'the result of each action', schema: bulkSchema } };

type BulkOptions = { filter: ApiFilter; dry_run: boolean; limit: number; cursor?: string | undefined };
type Subject = Pick<InvocationSummary, 'id' | 'function'>;

/**
 * One action on many invocations. A request handles a bounded number of invocations and returns the cursor of the next request. A caller
 * that repeats a request, or loses its reply, does not perform an action twice.
 */
export function addBulkRoutes(routes: Routes, gateway: Gateway): void {
  const { client, clock } = gateway;

  routes.add(
    {
      method: 'post',
      path: '/api/redrive',
      summary: 'Redrive the finished invocations that match, as new invocations; by default only failed ones',
      body: bulkRedriveBodySchema,
      answers,
    },
    async (call, { body }) => {
      if (body.filter.state?.includes('notified') === false)
        throw new WrongStateError({ what: 'only notified invocations can be redriven' });
      // The bound of `to` excludes the invocations that this request starts.
      const filter = { status: ['FAIL', 'DISCARD'], to: clock.now(), ...body.filter, state: ['notified'] };
      const scope = scopeOf(call, gateway);
      const page = await listMatching(gateway, scope, { ...body, filter });
      const redriven = await mapConcurrently(page.invocations, (one) => isRedriven(gateway, one));
      const subjects = page.invocations.filter((_, index) => redriven[index] === false);
      const view = await perform({ subjects, cursor: page.cursor, isDryRun: body.dry_run, scope }, async ({ id, function: token }) => ({
        request_id: id,
        redriven_as: await client.repair.redrive(id, { function: token }),
      }));
      return call.json(view);
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/cancel',
      summary: 'Cancel the unfinished invocations that match',
      body: bulkCancelBodySchema,
      answers,
    },
    async (call, { body }) => {
      const state = body.filter.state?.filter((one) => (OPEN as readonly string[]).includes(one)) ?? [...OPEN];
      if (state.length === 0) throw new WrongStateError({ what: `only ${OPEN.join(', ')} invocations can be cancelled` });
      const scope = scopeOf(call, gateway);
      const page = await listMatching(gateway, scope, { ...body, filter: { ...body.filter, state } });
      const reason = body.reason === undefined ? {} : { reason: body.reason };
      const view = await perform(
        { subjects: page.invocations, cursor: page.cursor, isDryRun: body.dry_run, scope },
        async ({ id, function: token }) => {
          await client.cancel(id, { ...reason, function: token });
          return { request_id: id };
        },
      );
      return call.json(view);
    },
  );
}

async function listMatching({ client }: Gateway, scope: Scope, { filter, limit, cursor }: BulkOptions): Promise<HistoryPage> {
  const found: HistoryPage = { invocations: [], cursor: cursor ?? null };
  const query: HistoryFilter = historyFilter(filter, scope);
  do {
    const remaining = limit - found.invocations.length;
    const page = await client.history.list({
      ...query,
      limit: Math.min(MAX_PAGE, remaining),
      ...(found.cursor === null ? {} : { cursor: found.cursor }),
    });
    found.invocations.push(...page.invocations);
    found.cursor = page.cursor;
  } while (found.cursor !== null && found.invocations.length < limit);
  return found;
}

/** Whether an invocation was redriven before. An invocation that retention removed from the log cannot be redriven. */
async function isRedriven({ client }: Gateway, { id, function: token }: Subject): Promise<boolean> {
  try {
    return (await client.timeline(id, { function: token })).transitions.some(({ fact }) => fact.type === 'redriven');
  } catch (error) {
    if (error instanceof InvocationNotFoundError) return false;
    throw error;
  }
}

type BulkAction = { subjects: readonly Subject[]; cursor: string | null; isDryRun: boolean; scope: Scope };

async function perform({ subjects, cursor, isDryRun, scope }: BulkAction, action: (subject: Subject) => Promise<Done>): Promise<BulkView> {
  const next = cursor === null ? {} : { next_cursor: cursor };
  if (isDryRun) return { matched: subjects.length, done: [], failed: [], ...next };
  const results = await mapConcurrently(subjects, (subject) => attempt({ request_id: subject.id }, () => action(subject)));
  return { matched: subjects.length, ...groupResults(results, scope), ...next };
}

import { WrongStateError } from '#src/core/errors.ts';
import type { HistoryFilter, HistoryPage, InvocationSummary } from '#src/core/history-questions.ts';
import { isRedriven } from '../../bulk/is-redriven.ts';
import type { Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { type ApiFilter, historyFilter } from '../invocations/list.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { Routes } from '../route.ts';
import { attempt, type Done, groupResults } from './bulk-results.ts';
import { type BulkView, bulkCancelBodySchema, bulkRedriveBodySchema, bulkSchema } from './repair-schemas.ts';

const OPEN: readonly string[] = ['queued', 'running', 'retrying'];
const ENDED: readonly string[] = ['succeeded', 'failed', 'notified'];
const MAX_PAGE = 500;
const answers = { 200: { description: 'the result of each action', schema: bulkSchema } };

type BulkOptions = { limit: number; cursor?: string | undefined };
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
      summary: 'Redrive the invocations with an outcome that match, as new invocations; by default only failed ones',
      body: bulkRedriveBodySchema,
      answers,
    },
    async (call, { body }) => {
      const scope = scopeOf(call, gateway);
      const { filter = {} } = body;
      const query = bulkQueryOf('redrive', filter, { scope, now: clock.now() });
      const page = chosenIn(body, scope) ?? (await listMatching(gateway, query, body));
      const redriven = await mapConcurrently(page.invocations, (one) => isRedriven(client, one));
      const subjects = page.invocations.filter((_, index) => redriven[index] === false);
      const view = await perform({ subjects, cursor: page.cursor, isDryRun: body.dry_run, scope }, async ({ id, function: token }) => {
        // Another request may have redriven the invocation since it was read.
        const redriven = await client.repair.redriveOnce(id, { function: token });
        return redriven === undefined ? undefined : { request_id: id, redriven_as: redriven };
      });
      const skipped = [{ why: 'were redriven before', count: page.invocations.length - subjects.length }];
      if (isFirstTrial(body)) skipped.push(...(await skippedByRedrive(gateway, scope, filter)));
      return call.json(withSkipped(view, body.dry_run ? skipped : []));
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
      const scope = scopeOf(call, gateway);
      const { filter = {} } = body;
      const query = bulkQueryOf('cancel', filter, { scope, now: clock.now() });
      const page = chosenIn(body, scope) ?? (await listMatching(gateway, query, body));
      const reason = body.reason === undefined ? {} : { reason: body.reason };
      const view = await perform(
        { subjects: page.invocations, cursor: page.cursor, isDryRun: body.dry_run, scope },
        async ({ id, function: token }) => {
          await client.cancel(id, { ...reason, function: token });
          return { request_id: id };
        },
      );
      const ended = { why: 'have an outcome already', filter: { ...filter, state: statesAmong(filter.state, ENDED) } };
      return call.json(withSkipped(view, isFirstTrial(body) ? await countSkipped(gateway, scope, [ended]) : []));
    },
  );
}

/** The query of the invocations that an action on a filter covers. Throws `WrongStateError` when the filter allows none. */
export function bulkQueryOf(action: 'redrive' | 'cancel', filter: ApiFilter, { scope, now }: { scope: Scope; now: number }): HistoryFilter {
  if (action === 'cancel') return historyFilter({ ...filter, state: chosenStates(filter.state, OPEN, 'cancelled') }, scope);
  // The bound of `to` excludes the invocations that the redrive starts.
  const asked = { status: ['FAIL', 'DISCARD'], to: now, ...filter };
  return historyFilter({ ...asked, state: chosenStates(filter.state, ENDED, 'redriven') }, scope);
}

type BulkBody = {
  filter?: ApiFilter | undefined;
  invocations?: readonly { request_id: string; function: string }[] | undefined;
  dry_run: boolean;
  cursor?: string | undefined;
};

/** The invocations that a request names; `undefined` when a filter selects them. An invocation in a wrong state is a failed action. */
function chosenIn({ invocations }: BulkBody, scope: Scope): { invocations: Subject[]; cursor: null } | undefined {
  if (invocations === undefined) return undefined;
  return { invocations: invocations.map((one) => ({ id: one.request_id, function: scope.token(one.function) })), cursor: null };
}

/** What a filter leaves out is counted once, by the first request of a trial. */
function isFirstTrial({ dry_run, cursor, filter }: BulkBody): boolean {
  return dry_run && cursor === undefined && filter !== undefined;
}

/** The states that an action can change, among those of the filter. Throws `WrongStateError` when there is none. */
function chosenStates(wanted: readonly string[] | undefined, possible: readonly string[], past: string): string[] {
  const state = statesAmong(wanted, possible);
  if (state.length === 0) throw new WrongStateError({ what: `only ${possible.join(', ')} invocations can be ${past}` });
  return state;
}

function statesAmong(wanted: readonly string[] | undefined, possible: readonly string[]): string[] {
  return wanted?.filter((one) => possible.includes(one)) ?? [...possible];
}

type Skipped = NonNullable<BulkView['skipped']>;

/** What a redrive leaves out of a filter, in addition to invocations that were redriven before. */
function skippedByRedrive(gateway: Gateway, scope: Scope, filter: ApiFilter): Promise<Skipped> {
  const open = { why: 'have no outcome yet', filter: { ...filter, state: statesAmong(filter.state, OPEN) } };
  const succeeded = { why: 'succeeded: a filter by status includes them', filter: { ...filter, status: ['SUCCESS'] } };
  return countSkipped(gateway, scope, filter.status === undefined ? [open, succeeded] : [open]);
}

async function countSkipped({ client }: Gateway, scope: Scope, groups: readonly { why: string; filter: ApiFilter }[]): Promise<Skipped> {
  const freshness = { atLeast: await client.lastSequence() };
  return await Promise.all(
    groups.map(async ({ why, filter }) => {
      if (filter.state?.length === 0) return { why, count: 0 };
      return { why, count: (await client.history.count(historyFilter(filter, scope), freshness)).count };
    }),
  );
}

function withSkipped(view: BulkView, skipped: Skipped): BulkView {
  const some = skipped.filter(({ count }) => count > 0);
  return some.length === 0 ? view : { ...view, skipped: some };
}

async function listMatching({ client }: Gateway, query: HistoryFilter, { limit, cursor }: BulkOptions): Promise<HistoryPage> {
  const found: HistoryPage = { invocations: [], cursor: cursor ?? null };
  // Every invocation that was accepted before the request counts, however far the read model is.
  const freshness = { atLeast: await client.lastSequence() };
  do {
    const remaining = limit - found.invocations.length;
    const page = await client.history.list(
      { ...query, limit: Math.min(MAX_PAGE, remaining), ...(found.cursor === null ? {} : { cursor: found.cursor }) },
      freshness,
    );
    found.invocations.push(...page.invocations);
    found.cursor = page.cursor;
  } while (found.cursor !== null && found.invocations.length < limit);
  return found;
}

type BulkAction = { subjects: readonly Subject[]; cursor: string | null; isDryRun: boolean; scope: Scope };

/** Performs an action on subjects. A subject that the action leaves out does not count as a match. */
async function perform(
  { subjects, cursor, isDryRun, scope }: BulkAction,
  action: (subject: Subject) => Promise<Done | undefined>,
): Promise<BulkView> {
  const next = cursor === null ? {} : { next_cursor: cursor };
  if (isDryRun) return { matched: subjects.length, done: [], failed: [], ...next };
  const results = await mapConcurrently(subjects, (subject) => attempt({ request_id: subject.id }, () => action(subject)));
  const { done, failed } = groupResults(results, scope);
  return { matched: done.length + failed.length, done, failed, ...next };
}

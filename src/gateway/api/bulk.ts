import { InvocationNotFoundError, messageOf, SequentError, WrongStateError } from '#src/core/errors.ts';
import type { HistoryFilter, HistoryPage, InvocationSummary } from '#src/core/history-questions.ts';
import type { Gateway } from '../ports.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { type ApiFilter, historyFilter } from './list.ts';
import type { Routes } from './route.ts';
import { type BulkView, bulkCancelBodySchema, bulkRedriveBodySchema, bulkSchema } from './schemas/repair.ts';

const AT_ONCE = 16;
const OPEN = ['queued', 'running', 'retrying'] as const;
const answers = { 200: { description: 'what was done to each', schema: bulkSchema } };

type BulkOptions = { filter: ApiFilter; dry_run: boolean; limit: number; cursor?: string | undefined };
type Done = BulkView['done'][number];
type Which = Pick<InvocationSummary, 'id' | 'function'>;

/**
 * The same for many invocations. A request looks at a bounded number and names where the next one goes on; repeating it, or
 * losing its answer, does nothing twice.
 */
export function addBulkRoutes(routes: Routes, gateway: Gateway): void {
  const { client, clock } = gateway;

  routes.add(
    {
      method: 'post',
      path: '/api/redrive',
      summary: 'Run again, as new invocations, those that are over and match; failed ones unless the filter says otherwise',
      body: bulkRedriveBodySchema,
      answers,
    },
    async (call, { body }) => {
      if (body.filter.state?.includes('notified') === false) throw new WrongStateError({ what: 'only what is notified can be run again' });
      const scope = scopeOf(call, gateway);
      // What runs again is new, and must not match.
      const filter = { status: ['FAIL', 'DISCARD'], to: clock.now(), ...body.filter, state: ['notified'] };
      const page = await pageOf(scope, { ...body, filter });
      const again = await inTurns(page.invocations, isRedriven);
      const meant = page.invocations.filter((_, place) => again[place] === false);
      return call.json(
        await perform(meant, page, body, async ({ id, function: token }) => ({
          request_id: id,
          redriven_as: await client.repair.redrive(id, { function: token }),
        })),
      );
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/cancel',
      summary: 'End those that match and are not over',
      body: bulkCancelBodySchema,
      answers,
    },
    async (call, { body }) => {
      const state = body.filter.state?.filter((one) => (OPEN as readonly string[]).includes(one)) ?? [...OPEN];
      if (state.length === 0) throw new WrongStateError({ what: `only what is ${OPEN.join(', ')} can be cancelled` });
      const page = await pageOf(scopeOf(call, gateway), { ...body, filter: { ...body.filter, state } });
      const reason = body.reason === undefined ? {} : { reason: body.reason };
      return call.json(
        await perform(page.invocations, page, body, async ({ id, function: token }) => {
          await client.cancel(id, { ...reason, function: token });
          return { request_id: id };
        }),
      );
    },
  );

  async function pageOf(scope: Scope, { filter, limit, cursor }: BulkOptions): Promise<HistoryPage> {
    const found: HistoryPage = { invocations: [], cursor: cursor ?? null };
    const query: HistoryFilter = historyFilter(filter, scope);
    do {
      const left = limit - found.invocations.length;
      const page = await client.history.list({
        ...query,
        limit: Math.min(500, left),
        ...(found.cursor === null ? {} : { cursor: found.cursor }),
      });
      found.invocations.push(...page.invocations);
      found.cursor = page.cursor;
    } while (found.cursor !== null && found.invocations.length < limit);
    return found;
  }

  /** Whether somebody ran it again before; of what left the log nobody can. */
  async function isRedriven({ id, function: token }: Which): Promise<boolean> {
    try {
      return (await client.timeline(id, { function: token })).transitions.some(({ fact }) => fact.type === 'redriven');
    } catch (error) {
      if (error instanceof InvocationNotFoundError) return false;
      throw error;
    }
  }
}

async function perform(
  meant: readonly Which[],
  { cursor }: Pick<HistoryPage, 'cursor'>,
  { dry_run }: Pick<BulkOptions, 'dry_run'>,
  one: (which: Which) => Promise<Done>,
): Promise<BulkView> {
  const next = cursor === null ? {} : { next_cursor: cursor };
  if (dry_run) return { matched: meant.length, done: [], failed: [], ...next };
  const results = await inTurns(meant, (which) => attempt({ request_id: which.id }, () => one(which)));
  return { matched: meant.length, ...sorted(results), ...next };
}

type Result = { done: Done } | { failed: BulkView['failed'][number] };

/** What cannot be done to one is told with it; what has nothing to do with it ends the request. */
export async function attempt(what: Pick<Done, 'request_id' | 'destination_id'>, work: () => Promise<Done>): Promise<Result> {
  try {
    return { done: await work() };
  } catch (error) {
    if (!(error instanceof SequentError)) throw error;
    return { failed: { ...what, code: error.code, detail: messageOf(error) } };
  }
}

export function sorted(results: readonly Result[]): Pick<BulkView, 'done' | 'failed'> {
  return {
    done: results.flatMap((result) => ('done' in result ? [result.done] : [])),
    failed: results.flatMap((result) => ('failed' in result ? [result.failed] : [])),
  };
}

/** A few at a moment; the results in the order of the items. */
export async function inTurns<Item, Value>(
  items: readonly Item[],
  work: (item: Item) => Promise<Value>,
  atOnce = AT_ONCE,
): Promise<Value[]> {
  const results: Value[] = [];
  let next = 0;
  const lanes = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    for (let place = next++; place < items.length; place = next++) results[place] = await work(items[place] as Item);
  });
  await Promise.all(lanes);
  return results;
}

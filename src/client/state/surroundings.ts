import type { InvocationContext } from '#machines/invocation-context.ts';
import { firstDueAt } from '#machines/outcome.ts';
import type { FlowSlots, Surroundings } from '#src/analysis/explain/queue-waits.ts';
import type { SequentClient, SystemState } from '#src/client/client.ts';
import { FunctionNotFoundError, HistoryUnavailableError, InvalidInputError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import type { Attempt, LedgerEntry } from '#src/core/flow/ledger-entry.ts';
import { type Flow, fifoOf, type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { flowKeyOf } from '#src/core/functions/flow-key.ts';
import { shownPool } from '#src/core/functions/pool-names.ts';
import { agingOf, DEFAULT_PRIORITY, MAX_PRIORITY, rankOf } from '#src/core/functions/priority.ts';
import { type RateInput, rateOf, rateTextOf } from '#src/core/functions/rate.ts';
import type { FunctionName } from '#src/core/names/names.ts';

type Readers = Pick<SequentClient, 'flow' | 'system'> & {
  functions: Pick<SequentClient['functions'], 'get'>;
  history: Pick<SequentClient['history'], 'count' | 'list'>;
};

/** The slot that an invocation waits for, and its request with its payload. */
export type WaitingFor = Pick<InvocationContext, 'waitsFor' | 'request'> & { payload: string };

/** The present state of a function and of the roles that run it. Changes nothing. Takes half a second, as `system` does. */
export async function readSurroundings(readers: Readers, name: string, invocation?: WaitingFor): Promise<Surroundings> {
  const [definition, state] = await Promise.all([readDefinition(readers.functions, name), readers.system()]);
  return { ...surroundingsOf(state, name, definition), slots: await readSlots(readers, { name, definition, ...invocation }) };
}

type WaitingFunction = { name: string; definition: Surroundings['definition'] } & Partial<WaitingFor>;

/** The slots that an attempt of a function needs; `undefined` when its flow has keys and the log names none yet. */
export async function readSlots(
  { flow, history }: Pick<Readers, 'flow' | 'history'>,
  { name, definition, waitsFor = null, request = null, payload }: WaitingFunction,
): Promise<FlowSlots | undefined> {
  const limits = definition?.flow;
  const pool = waitsFor?.pool ?? (limits === undefined ? undefined : poolOf(name as FunctionName, limits));
  if (pool === undefined) return undefined;
  const key = waitsFor?.key ?? keyOf(limits, request, payload);
  // Without its request, nothing says which key an attempt of the function needs.
  if (key === undefined && limits?.key !== undefined) return undefined;
  const entry = await flow.entry(pool as PoolId).catch(() => undefined);
  if (entry === undefined) return undefined;
  const { holders } = entry;
  const slots = { pool: shownPool(pool).name, limit: limits?.concurrency, ...(await rateNow(limits?.rate, { flow, pool, entry, key })) };
  if (key === undefined) return { ...slots, running: holders.length };
  return {
    ...slots,
    key,
    // Without keys, all holders of the pool count.
    running: holders.filter((one) => one.key === key || (limits !== undefined && limits.key === undefined)).length,
    ...(limits?.total === undefined ? {} : { total: { running: holders.length, limit: limits.total } }),
    ...(request === null || waitsFor === null
      ? {}
      : await countBefore(history, { ...waitsFor, name, request, aging: agingOf(limits ?? {}) })),
    ...(await countGroup(history, name, waitsFor)),
    turn: await findTurn(history, { limits, holders, key, name, request }),
  };
}

/** The requests of a function that wait for the same group, and when the group ends without a further one. */
async function countGroup(
  history: Pick<Readers['history'], 'count' | 'list'>,
  name: string,
  waitsFor: InvocationContext['waitsFor'],
): Promise<Pick<FlowSlots, 'grouped' | 'groupEndsAt'>> {
  if (waitsFor?.debounce === undefined) return {};
  const { pool, key, debounce } = waitsFor;
  const alike = { function: name, waitsPool: [pool], waitsKey: key };
  const at = async (order: 'oldest' | 'newest'): Promise<number | undefined> => {
    const [found] = (await history.list({ ...alike, order, limit: 1 })).invocations;
    return found === undefined ? undefined : (found.firstDueAt ?? found.acceptedAt);
  };
  try {
    const [{ count: grouped }, first, last] = await Promise.all([history.count(alike), at('oldest'), at('newest')]);
    if (first === undefined || last === undefined) return { grouped };
    return { grouped, groupEndsAt: Math.min(first + debounce.maxWaitInMs, last + debounce.waitInMs) };
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return {};
    throw error;
  }
}

type ReadEntry = Pick<Readers, 'flow'> & { pool: string; entry: LedgerEntry; key: string | undefined };

/** A rate, and when the next attempt of a key can start. A time that has passed means now. */
async function rateNow(given: RateInput | undefined, { flow, pool, entry, key = '' }: ReadEntry): Promise<Pick<FlowSlots, 'rate'>> {
  if (given === undefined) return {};
  const rate = rateOf(given);
  const tokens = await flow.tokens(pool as PoolId, entry);
  const nextAt = tokens.nextAt({ rate: rateTextOf(rate), key });
  return { rate: { limit: rate.limit, perInMs: rate.perInMs, nextAt } };
}

type Turn = { limits: Flow | undefined; holders: readonly Attempt[]; key: string; name: string; request: InvocationContext['request'] };

/** The other invocation that has a key, and when it is retried; `undefined` for a flow without an order. */
async function findTurn(
  history: Pick<Readers['history'], 'list'>,
  { limits, holders, key, name, request }: Turn,
): Promise<FlowSlots['turn']> {
  if (limits === undefined || fifoOf(limits) === undefined) return undefined;
  const first = holders.find((one) => one.key === key && one.invocation !== request?.invocation);
  if (first === undefined) return {};
  const page = await history.list({ id: first.invocation, function: name, limit: 1 }).catch(() => undefined);
  const { state, dueAt } = page?.invocations[0] ?? {};
  return { first: first.invocation, ...(state === 'retrying' && typeof dueAt === 'number' ? { dueAt } : {}) };
}

/** The key that the flow finds in a request; `undefined` for a flow without keys. */
function keyOf(flow: Flow | undefined, fact: InvocationContext['request'], payload = ''): string | undefined {
  return flow?.key === undefined || fact === null ? undefined : flowKeyOf({ fact, payload }, flow);
}

type Waiting = { pool: string; key: string; name: string; request: NonNullable<InvocationContext['request']>; aging: number | undefined };

/** The invocations that wait for the same key, and were accepted before; with priorities, those with a lower rank. Keeps the order of the log. */
async function countBefore(
  history: Pick<Readers['history'], 'count'>,
  { pool, key, name, request, aging }: Waiting,
): Promise<Pick<FlowSlots, 'before' | 'urgent'>> {
  const alike = { waitsPool: [pool], waitsKey: key, before: { id: request.invocation, function: name } };
  try {
    if (aging === undefined) return { before: (await history.count(alike)).count };
    const { priority = DEFAULT_PRIORITY } = request;
    const earlier = { ...alike, rankBelow: { rank: rankOf(firstDueAt(request), priority, aging), agingInMs: aging } };
    const { count: before } = await history.count(earlier);
    if (priority === MAX_PRIORITY || before === 0) return { before, urgent: 0 };
    return { before, urgent: (await history.count({ ...earlier, minPriority: priority + 1 })).count };
  } catch (error) {
    // A projection of an earlier version refuses the filter `before`.
    if (error instanceof HistoryUnavailableError || error instanceof InvalidInputError) return {};
    throw error;
  }
}

/** The part of a system's state that concerns one function. */
export function surroundingsOf(
  { consumers, instances, silentRoles }: Pick<SystemState, 'consumers' | 'instances' | 'silentRoles'>,
  name: string,
  definition: Surroundings['definition'],
): Surroundings {
  const working = instances.filter(({ takesWork = true }) => takesWork);
  const workers = working.filter(({ roles }) => roles.includes('worker'));
  return {
    name,
    definition,
    queue: consumers.find((consumer) => consumer.name === `fn-${name}`),
    workers: workers.length,
    load: loadOf(workers),
    roles: [...new Set([...working.flatMap(({ roles }) => roles), ...silentRoles])],
  };
}

function loadOf(workers: SystemState['instances']): Surroundings['load'] {
  const known = workers.flatMap(({ heldSlots: held, slots }) => (held === undefined || slots === undefined ? [] : [{ held, slots }]));
  if (known.length === 0) return undefined;
  return known.reduce((sum, { held, slots }) => ({ held: sum.held + held, slots: sum.slots + slots }), { held: 0, slots: 0 });
}

/** The definition; `undefined` when the function does not exist. */
export async function readDefinition(functions: Readers['functions'], name: string): Promise<Surroundings['definition']> {
  return await functions.get(name).then(({ definition }) => definition, fallback(undefined, FunctionNotFoundError));
}

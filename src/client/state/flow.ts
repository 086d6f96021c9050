import pLimit from 'p-limit';
import type { ClientHistory } from '#src/client/history/history.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import { decodeLedgerEntry, entryKeyOf, type LedgerEntry, NO_SLOTS } from '#src/core/flow/ledger-entry.ts';
import { isSpillKey, readSpills } from '#src/core/flow/spilled-buckets.ts';
import { TokenBuckets } from '#src/core/flow/token-buckets.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { type Flow, type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { tokenOfPool } from '#src/core/functions/pool-names.ts';
import { rateOf, rateTextOf } from '#src/core/functions/rate.ts';
import type { AnswerOf } from '#src/core/history-questions.ts';
import { greatestOf, leastOf } from '#src/core/least-and-greatest.ts';
import { type FunctionName, splitName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { SystemState } from './system.ts';

/** The attempts of a function in a pool. `waiting` has the messages in its queue too. `flow` is absent when the function has none any more. */
type PoolFunction = { name: FunctionName; flow: Flow | undefined; isPaused: boolean; running: number; waiting: number };
/** `since`: since when the first invocation waits. `nextAt`: when the rate lets the next attempt of the key start; absent without a rate. */
export type PoolKey = { key: string; running: number; waiting: number; since: number | undefined; nextAt?: number };
/** The slots of a function, or of a pool of functions, over all workers. */
export type PoolState = {
  pool: PoolId;
  functions: readonly PoolFunction[];
  /** The attempts that hold a slot. */
  running: number;
  waiting: number;
  since: number | undefined;
  /** When the rate lets the next attempt of a function without keys start; absent without a rate. */
  nextAt?: number;
  /** The keys for which invocations run or wait: those with the most waits, then those with the most attempts. */
  keys: readonly PoolKey[];
  /** Whether further keys are left out. */
  isCut: boolean;
};

type PoolsQuery = {
  /** Only pools of this project; empty for the own project. */
  project?: string | undefined;
  /** Only these pools. */
  pools?: readonly PoolId[] | undefined;
  /** The number of keys of each pool; 20 by default. 0 for the counts of the pools alone. */
  keys?: number | undefined;
};

export interface ClientFlow {
  /** The pools of the functions with a flow, by name, and the pools in which attempts still run or wait. */
  pools(query?: PoolsQuery): Promise<PoolState[]>;
  /** The attempts that hold the slots of a pool, and those that get the next ones. */
  entry(pool: PoolId): Promise<LedgerEntry>;
  /** The tokens of an entry of a pool, with those that the entry has no room for. */
  tokens(pool: PoolId, entry: LedgerEntry): Promise<TokenBuckets>;
}

export type ClientFlowOptions = {
  /** The ledger of slots. */
  ledger: Pick<KeyValue, 'get' | 'keys'>;
  functions: { list(): Promise<readonly Pick<RegisteredFunction, 'definition'>[]> };
  history: Pick<ClientHistory, 'waits'>;
  consumers: () => Promise<SystemState['consumers']>;
};

const KEYS = 20;
/** How many entries of the ledger are read at one time. */
const READ_AT_ONCE = 64;

/** Reads the ledger, the read model and the queues. Without a projection, only the queues tell what waits. */
export function createClientFlow({ ledger, functions, history, consumers }: ClientFlowOptions): ClientFlow {
  const entry = async (pool: PoolId): Promise<LedgerEntry> => decodeLedgerEntry((await ledger.get(entryKeyOf(pool)))?.value);

  const tokens = async (pool: PoolId, read: LedgerEntry): Promise<TokenBuckets> =>
    new TokenBuckets(read, 0, await readSpills(pool, ledger, read));

  /** Processes of an earlier version create no ledger. */
  const readKeys = async (): Promise<Set<string>> => new Set((await ledger.keys().catch(() => [])).filter((key) => !isSpillKey(key)));

  async function readWaits({ pools, project, keys = KEYS }: PoolsQuery): Promise<AnswerOf<'waits'>> {
    const query = {
      limit: Math.max(keys, 1),
      ...(pools === undefined ? {} : { pools: [...pools] }),
      ...(project === undefined ? {} : { project }),
    };
    return await history.waits(query).catch((error: unknown) => {
      if (error instanceof HistoryUnavailableError) return { functions: [], keys: [], isCut: false };
      throw error;
    });
  }

  /** Only the rate of a function asks for the tokens. */
  async function readPool(pool: PoolId, { flows, names, known }: Board): Promise<Pick<FlowState, 'entry' | 'tokens'>> {
    const read = known.has(entryKeyOf(pool)) ? await entry(pool).catch(() => NO_SLOTS) : NO_SLOTS;
    const isRated = (names.get(pool) ?? []).some((name) => flows.get(name)?.flow.rate !== undefined);
    return { entry: read, tokens: isRated ? await tokens(pool, read) : undefined };
  }

  return {
    entry,
    tokens,
    async pools(query = {}) {
      const [defined, known, waits, queues] = await Promise.all([functions.list(), readKeys(), readWaits(query), consumers()]);
      const board = { ...boardOf(defined, waits, queues), known };
      const wanted = [...new Set([...board.names.keys(), ...known])].filter((pool) => isWanted(pool as PoolId, query)) as PoolId[];
      const reading = pLimit(READ_AT_ONCE);
      const readState = async (pool: PoolId): Promise<PoolState> => stateOf(pool, { ...board, ...(await readPool(pool, board)) }, query);
      const found = await Promise.all(wanted.map((pool) => reading(() => readState(pool))));
      return found
        .filter(({ functions: named, running, waiting }) => running + waiting > 0 || named.some(({ flow }) => flow !== undefined))
        .sort((one, other) => (one.pool < other.pool ? -1 : 1));
    },
  };
}

function isWanted(pool: PoolId, { pools, project }: PoolsQuery): boolean {
  if (pools !== undefined && !pools.includes(pool)) return false;
  return project === undefined || (splitName(tokenOfPool(pool)).project ?? '') === project;
}

type Defined = { flow: Flow; isPaused: boolean };
type Waits = AnswerOf<'waits'>;

/** The answers by pool and by function, so that many pools are not each looked for in all of them. */
type Board = {
  flows: ReadonlyMap<FunctionName, Defined>;
  /** The functions of a pool: by their definitions, or because an invocation of theirs waits in it. */
  names: ReadonlyMap<string, readonly FunctionName[]>;
  deferred: ReadonlyMap<string, Waits['functions']>;
  keys: ReadonlyMap<string, Waits['keys']>;
  pending: ReadonlyMap<string, number>;
  isCut: boolean;
  /** The keys of the entries of the ledger. */
  known: ReadonlySet<string>;
};

function boardOf(
  defined: readonly Pick<RegisteredFunction, 'definition'>[],
  { functions, keys, isCut }: Waits,
  queues: SystemState['consumers'],
): Omit<Board, 'known'> {
  const flows = new Map<FunctionName, Defined>();
  for (const { definition: one } of defined)
    if (one.flow !== undefined) flows.set(one.name as FunctionName, { flow: one.flow, isPaused: one.paused });
  const named = [
    ...[...flows].map(([name, { flow }]) => ({ pool: poolOf(name, flow) as string, name })),
    ...functions.map(({ pool, function: name }) => ({ pool, name: name as FunctionName })),
  ];
  const names = new Map([...byPool(named)].map(([pool, found]) => [pool, found.map(({ name }) => name)]));
  const pending = new Map(queues.map((one) => [one.name, one.pending]));
  return { flows, names, deferred: byPool(functions), keys: byPool(keys), pending, isCut };
}

function byPool<Item extends { pool: string }>(items: readonly Item[]): Map<string, Item[]> {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    const same = found.get(item.pool);
    if (same === undefined) found.set(item.pool, [item]);
    else same.push(item);
  }
  return found;
}

type FlowState = Board & {
  entry: LedgerEntry;
  /** Absent when no function of the pool has a rate. */
  tokens: TokenBuckets | undefined;
};

function stateOf(pool: PoolId, { entry, tokens, flows, ...board }: FlowState, { keys: most = KEYS }: PoolsQuery): PoolState {
  const { holders } = entry;
  const deferred = board.deferred.get(pool) ?? [];
  const names = new Set([...(board.names.get(pool) ?? []), ...holders.map((one) => one.function as FunctionName)]);
  const functions = [...names].sort().map((name): PoolFunction => {
    const running = holders.filter((one) => one.function === name).length;
    const pending = board.pending.get(`fn-${name}`) ?? 0;
    // Messages in progress do not count: a wait may have several. The waiters of the ledger are the first of those that wait in the log, and
    // the read model may not have them yet.
    const inLog = deferred.find((one) => one.function === name)?.waiting ?? 0;
    const waiting = pending + Math.max(inLog, entry.waiters.filter((one) => one.function === name).length);
    const { flow, isPaused = false } = flows.get(name) ?? {};
    return { name, flow, isPaused, running, waiting };
  });
  const found = keysOf(entry, board.keys.get(pool) ?? []);
  const nextOf = createNextOf(functions, tokens);
  return {
    pool,
    functions,
    running: holders.length,
    waiting: functions.reduce((sum, { waiting }) => sum + waiting, 0),
    since: deferred.length === 0 ? undefined : leastOf(deferred.map(({ since }) => since)),
    ...nextOf(''),
    keys: found.slice(0, most).map((one) => ({ ...one, ...nextOf(one.key) })),
    isCut: board.isCut || found.length > most,
  };
}

/** Finds when the slowest rate of the functions lets the next attempt of a key start. A time that has passed means now. */
function createNextOf(functions: readonly PoolFunction[], tokens: TokenBuckets | undefined): (key: string) => Pick<PoolKey, 'nextAt'> {
  const rates = functions.flatMap(({ flow }) => (flow?.rate === undefined ? [] : [rateTextOf(rateOf(flow.rate))]));
  if (rates.length === 0 || tokens === undefined) return () => ({});
  return (key) => ({ nextAt: greatestOf(rates.map((rate) => tokens.nextAt({ rate, key }))) });
}

/** What the workers hold in memory is in no read model: of a key, at least those that the ledger names wait. */
function keysOf({ holders, waiters }: LedgerEntry, waits: AnswerOf<'waits'>['keys']): PoolKey[] {
  const found = new Map<string, PoolKey>(waits.map(({ key, waiting, since }) => [key, { key, running: 0, waiting, since }]));
  for (const { key } of waiters) {
    const one = found.get(key) ?? { key, running: 0, waiting: 0, since: undefined };
    found.set(key, { ...one, waiting: Math.max(one.waiting, waiters.filter((other) => other.key === key).length) });
  }
  for (const { key } of holders) {
    const one = found.get(key) ?? { key, running: 0, waiting: 0, since: undefined };
    found.set(key, { ...one, running: one.running + 1 });
  }
  // Functions without keys share one nameless key, which says no more than the pool.
  return [...found.values()]
    .filter(({ key }) => key !== '' || found.size > 1)
    .sort((one, other) => other.waiting - one.waiting || other.running - one.running || (one.key < other.key ? -1 : 1));
}

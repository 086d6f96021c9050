import type { TypedFunction } from '#src/client/worker/define-function.ts';
import { toHandler } from '#src/client/worker/handlers.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { type DeliveryRequest, MAX_DELIVERY_AGE_IN_MS } from '#src/core/ports/destination-target.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { startDestinations } from '#src/destinations/destinations.ts';
import { tryBounds } from '#src/destinations/function-deliverer.ts';
import { createFunctionTarget } from '#src/destinations/function-target.ts';
import { type FunctionDirectory, openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { eventsLayer, surroundHost } from '#src/hosts/around/layers.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { startWorker } from '#src/worker/worker.ts';
import { createMemoryAnswers, type MemoryAnswers } from './memory-answers.ts';
import { createMemoryWork, type MemoryWork } from './memory-work.ts';
import { countExecutions, createRecordingTargets, createUserCode, type Deliver, type UserCode } from './user-code.ts';
import type { VirtualClock } from './virtual-clock.ts';

// biome-ignore lint/suspicious/noExplicitAny: a list of functions of any types
export type AnyFunction = TypedFunction<any, any>;

/** All roles of Sequent in one process, with ports in memory and virtual time. */
export interface TestSystem {
  readonly log: MemoryLog;
  readonly work: MemoryWork;
  readonly registry: FunctionRegistry;
  readonly directory: FunctionDirectory;
  readonly answers: MemoryAnswers;
  /** The tries of deliveries to destinations outside of Sequent. */
  readonly deliveries: readonly DeliveryRequest[];
  /** When the scheduler inspects a stream, a slot or a group next, or earlier; infinite when nothing is open. */
  readonly nextInspectionAt: number;
  /** How many streams the scheduler regards as open. */
  readonly open: number;
  /** How much user code runs now: handlers, and the test's answers for destinations. */
  readonly running: number;
  /** Grows with every append, delivery, result, and start or end of user code. */
  readonly activity: number;
  stop(): Promise<void>;
}

export type TestSystemOptions = {
  functions: readonly AnyFunction[];
  clock: VirtualClock;
  tenancy: Tenancy;
  /** Answers the deliveries to destinations outside of Sequent. */
  deliver: Deliver;
};

const LEASE_IN_MS = 15_000;
const PATIENCE_IN_MS = 5_000;
const bounds = { maxHops: 16, maxChain: 1_000 };

export async function startTestSystem(options: TestSystemOptions): Promise<TestSystem> {
  const { clock } = options;
  const log = createMemoryLog({ clock });
  const work = createMemoryWork({ log, clock, leaseInMs: LEASE_IN_MS });
  const answers = createMemoryAnswers();
  const code = createUserCode();
  const store = createMemoryKeyValue();
  const closing = new AbortController();
  const registry = createFunctionRegistry(store, { refuseDestination: answers.destinationCheck.refuse, clock });
  const directory = await openFunctionDirectory(store, { signal: closing.signal });
  const { scheduler, deliveries, stop } = await startRoles({ log, work, answers, code, registry, directory }, options);
  let appended = 0;
  const following = log.follow(1, () => appended++, closing.signal);

  return {
    log,
    work,
    registry,
    directory,
    answers,
    deliveries,
    get nextInspectionAt() {
      return Math.min(scheduler.open.nextDueAt, scheduler.nextSlotCheckAt);
    },
    get open() {
      return scheduler.open.size;
    },
    get running() {
      return code.running;
    },
    get activity() {
      return appended + work.activity + code.activity + log.results.published.length;
    },
    async stop() {
      clock.release();
      await stop();
      closing.abort();
      await Promise.all([work.close(), following]);
    },
  };
}

type RoleParts = Pick<TestSystem, 'log' | 'work' | 'answers' | 'registry' | 'directory'> & { code: UserCode };

async function startRoles(parts: RoleParts, { functions, clock, tenancy, deliver }: TestSystemOptions) {
  const { log, work, answers, code, registry, directory } = parts;
  const handlers = new Map(functions.map((fn) => [fn.name, toHandler(fn)]));
  const { targets, deliveries } = createRecordingTargets(deliver, code);
  const common = {
    log,
    queue: work.queue,
    hints: work.hints,
    results: log.results,
    flow: createMemoryKeyValue(),
    ...answers,
    tenancy,
    ...bounds,
    clock,
    timers: clock,
    logger: silentLogger,
    functions: directory,
    findFunction: directory.ask,
  };
  const isKnown = (fn: FunctionName, qualifier: string): boolean => directory.find(fn, qualifier) !== undefined;
  const destinations = startDestinations({
    ...common,
    name: 'test-deliverer',
    appendId: createAppendIds('test-deliverer'),
    check: answers.destinationCheck,
    targets: { ...targets, FunctionGraph: createFunctionTarget({ log, findFunction: registry.find, isKnown, ...bounds }) },
    ...tryBounds,
    maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS,
  });
  // After the destinations, which check the destinations of each definition.
  for (const { name, options } of functions) await registry.put({ ...options, name, handler: { kind: 'inline' } });
  const worker = startWorker({
    ...common,
    worker: 'test-worker',
    host: countExecutions(surroundHost(createInlineHost(handlers, clock.after), [eventsLayer]), code),
    appendId: createAppendIds('test-worker'),
    deliverer: destinations.deliverer,
    canRun: ({ name }) => handlers.has(name),
  });
  const scheduler = await startScheduler({
    ...common,
    name: 'test-scheduler',
    state: createMemoryKeyValue(),
    appendId: createAppendIds('test-scheduler'),
    deliveredUpTo: work.queue.deliveredUpTo,
    patienceInMs: PATIENCE_IN_MS,
    maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS,
    clock: clock.polling,
  });
  const stop = async (): Promise<void> => {
    await worker.stop(0);
    await destinations.stop();
    await scheduler.stop();
  };
  return { scheduler, deliveries, stop };
}

/** Appends are numbered, so that a test is deterministic. */
function createAppendIds(name: string): () => string {
  let count = 0;
  return () => `${name}-${count++}`;
}

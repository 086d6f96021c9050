import type { TypedFunction } from '#src/client/define-function.ts';
import { toHandler } from '#src/client/handlers.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import {
  type DeliveryRequest,
  type DeliveryResult,
  type DestinationTarget,
  MAX_DELIVERY_AGE_IN_MS,
} from '#src/core/ports/destination-target.ts';
import type { ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { startDestinations } from '#src/destinations/destinations.ts';
import { tryBounds } from '#src/destinations/function-deliverer.ts';
import { createFunctionTarget } from '#src/destinations/function-target.ts';
import { type FunctionDirectory, openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { startWorker } from '#src/worker/worker.ts';
import { createMemoryAnswers, type MemoryAnswers } from './memory-answers.ts';
import { createMemoryWork, type MemoryWork } from './memory-work.ts';
import type { VirtualClock } from './virtual-clock.ts';

// biome-ignore lint/suspicious/noExplicitAny: a list of functions of any types
export type AnyFunction = TypedFunction<any, any>;

/** Every role of Sequent in one process, on memory and virtual time. */
export interface TestSystem {
  readonly log: MemoryLog;
  readonly work: MemoryWork;
  readonly registry: FunctionRegistry;
  readonly directory: FunctionDirectory;
  readonly answers: MemoryAnswers;
  /** What was delivered outside of Sequent, tries included. */
  readonly deliveries: readonly DeliveryRequest[];
  /** When the scheduler acts next; infinite when it has nothing to do. */
  readonly nextLookAt: number;
  /** How many invocations are not over, as far as the scheduler knows. */
  readonly open: number;
  /** User code that runs at this moment: handlers, and answers of destinations. */
  readonly running: number;
  /** Grows with everything that happens. */
  readonly stirs: number;
  stop(): Promise<void>;
}

export type TestSystemOptions = {
  functions: readonly AnyFunction[];
  clock: VirtualClock;
  tenancy: Tenancy;
  deliver: (request: DeliveryRequest) => DeliveryResult | Promise<DeliveryResult>;
};

const LEASE_IN_MS = 15_000;
const PATIENCE_IN_MS = 5_000;
const bounds = { maxHops: 16, maxChain: 1_000 };

export async function startTestSystem({ functions, clock, tenancy, deliver }: TestSystemOptions): Promise<TestSystem> {
  const log = createMemoryLog({ clock });
  const work = createMemoryWork({ log, clock, leaseInMs: LEASE_IN_MS });
  const answers = createMemoryAnswers();
  const code = createGauge();
  const store = createMemoryKeyValue();
  const closing = new AbortController();
  const registry = createFunctionRegistry(store, { refuseDestination: answers.destinationCheck.refuse, clock });
  const directory = await openFunctionDirectory(store, { signal: closing.signal });
  const handlers = new Map(functions.map((fn) => [fn.name, toHandler(fn)]));
  const names = appendIds();
  const ports = {
    log,
    queue: work.queue,
    hints: work.hints,
    results: log.results,
    ...answers,
    tenancy,
    ...bounds,
    clock,
    logger: silentLogger,
  };
  const common = { ...ports, functions: directory, findFunction: directory.ask };
  const { targets, deliveries } = createRecordingTargets(deliver, code);

  const destinations = startDestinations({
    ...common,
    name: 'test-deliverer',
    appendId: names('test-deliverer'),
    check: answers.destinationCheck,
    targets: {
      ...targets,
      FunctionGraph: createFunctionTarget({
        log,
        findFunction: registry.find,
        isKnown: (fn, qualifier) => directory.find(fn, qualifier) !== undefined,
        ...bounds,
      }),
    },
    ...tryBounds,
    maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS,
  });
  for (const { name, options } of functions) await registry.put({ ...options, name, handler: { kind: 'inline' } });
  const worker = startWorker({
    ...common,
    worker: 'test-worker',
    host: counted(createInlineHost(handlers, clock.after), code),
    appendId: names('test-worker'),
    deliverer: destinations.deliverer,
    canRun: ({ name }) => handlers.has(name),
  });
  const scheduler = await startScheduler({
    ...common,
    name: 'test-scheduler',
    state: createMemoryKeyValue(),
    appendId: names('test-scheduler'),
    deliveredUpTo: work.queue.deliveredUpTo,
    patienceInMs: PATIENCE_IN_MS,
    maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS,
    clock: clock.polling,
  });
  let appended = 0;
  const following = log.follow(1, () => appended++, closing.signal);

  return {
    log,
    work,
    registry,
    directory,
    answers,
    deliveries,
    get nextLookAt() {
      let earliest = Number.POSITIVE_INFINITY;
      for (const { checkAt } of scheduler.open.values()) earliest = Math.min(earliest, checkAt);
      return earliest;
    },
    get open() {
      return scheduler.open.size;
    },
    get running() {
      return code.running;
    },
    get stirs() {
      return appended + work.stirs + code.turns + log.results.published.length;
    },
    async stop() {
      clock.release();
      await worker.stop(0);
      await destinations.stop();
      await scheduler.stop();
      closing.abort();
      await Promise.all([work.close(), following]);
    },
  };
}

/** Counts user code: what runs, and every beginning and end. */
type Gauge = { running: number; turns: number; while<Value>(run: () => Promise<Value>): Promise<Value> };

function createGauge(): Gauge {
  const gauge: Gauge = {
    running: 0,
    turns: 0,
    async while(run) {
      gauge.running++;
      gauge.turns++;
      try {
        return await run();
      } finally {
        gauge.running--;
        gauge.turns++;
      }
    },
  };
  return gauge;
}

function counted(host: FunctionHost, code: Gauge): FunctionHost {
  return { ...host, execute: (execution, signal) => code.while<ExecutionResult>(() => host.execute(execution, signal)) };
}

/** Targets for everything outside of Sequent: they record what they get, and answer what the test says. */
function createRecordingTargets(deliver: TestSystemOptions['deliver'], code: Gauge) {
  const deliveries: DeliveryRequest[] = [];
  const target: DestinationTarget = {
    refuse: () => undefined,
    limitKeyOf: ({ destination, param }) => `${destination}:${param}`,
    deliver: (request) =>
      code.while(async () => {
        deliveries.push(request);
        return await deliver(request);
      }),
  };
  return { deliveries, targets: { OBS: target, SMN: target, DIS: target, NATS: target, HTTP: target } };
}

function appendIds(): (name: string) => () => string {
  return (name) => {
    let count = 0;
    return () => `${name}-${count++}`;
  };
}

import type { FunctionName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import { startDestinations } from '#src/destinations/destinations.ts';
import { createFunctionDeliverer, tryBounds } from '#src/destinations/function-deliverer.ts';
import { createFunctionTarget } from '#src/destinations/function-target.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { fireSchedules } from '#src/scheduler/fire/fire-schedules.ts';
import { type Scheduler, startScheduler } from '#src/scheduler/scheduler.ts';
import { startWorker } from '#src/worker/worker.ts';
import { delivererOf } from '#test/simulate/judges/ledger.ts';
import { countMembersOf } from '../load/batches.ts';
import { createSimulatedHost, createSimulatedTarget, watchTarget } from '../load/user-code.ts';
import type { Process } from './process.ts';
import type { Servers } from './servers.ts';

/** The kinds of processes: all roles together, as `npm start` runs them, and each role alone. */
export type ProcessKind = 'all' | 'worker' | 'scheduler' | 'destinations';

const bounds = { maxHops: 3, maxChain: 40 };
const MAX_DELIVERY_AGE_IN_MS = 600_000;
const PATIENCE_IN_MS = 5_000;
const GRACE_IN_MS = 3_000;
/** Short, so that functions become idle and busy in turns. */
const IDLE_AFTER_MS = 500;
const NO_SCHEDULE_FOR_MS = 30_000;
const tenancy = { region: 'local', project: 'default' };

type Stop = () => Promise<void>;

/**
 * Starts the real roles of a process on its simulated ports. Resolves to the function that stops them in order. Never resolves when the
 * process dies meanwhile.
 */
export async function startRoles(kind: ProcessKind, process: Process, servers: Servers): Promise<Stop> {
  const ports = await connectPorts(process, servers);
  const stops: Stop[] = [];
  const hasDestinations = kind === 'all' || kind === 'destinations';
  const destinations = hasDestinations ? startDestinationsOf(ports) : undefined;
  if (destinations !== undefined) stops.unshift(destinations.stop);
  if (kind === 'all' || kind === 'worker') stops.unshift(startWorkerOf(ports, destinations?.deliverer));
  if (kind === 'all' || kind === 'scheduler') stops.push(await startSchedulerOf(ports));
  return async () => {
    for (const stop of stops) await stop();
  };
}

type Ports = Awaited<ReturnType<typeof connectPorts>>;

async function connectPorts(process: Process, servers: Servers) {
  const { ledger, functions } = servers;
  const directory = await openFunctionDirectory(functions.storeOf(process), { signal: process.death });
  let appends = 0;
  const log = servers.logOf(process);
  const workConsumers = servers.consumersOf(process);
  const isKnown = (name: FunctionName, qualifier: string): boolean => directory.find(name, qualifier) !== undefined;
  const toFunctions = createFunctionTarget({ log, findFunction: directory.ask, isKnown, ...bounds });
  const common = {
    log,
    queue: servers.queue.connect(process, workConsumers),
    workConsumers,
    state: servers.stateOf(process),
    hints: servers.hintsOf(process),
    results: servers.resultsOf(process),
    flow: servers.flowOf(process),
    ...servers.answersOf(process),
    tenancy,
    ...bounds,
    clock: process.clock,
    timers: process.timers,
    random: process.engine.chance.next,
    logger: silentLogger,
    functions: directory,
    findFunction: directory.ask,
    name: process.name,
    appendId: () => `${process.name}-${appends++}`,
    ...tryBounds,
    maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS,
  };
  return { process, ledger, servers, common, functionTarget: watchTarget(toFunctions, process, servers) };
}

function startDestinationsOf({ process, ledger, servers, common, functionTarget }: Ports) {
  const target = createSimulatedTarget(process, ledger, servers.witness);
  const check = { refuse: async () => undefined, answer: () => {} };
  return startDestinations({ ...common, name: delivererOf(process), check, targets: { FunctionGraph: functionTarget, HTTP: target } });
}

/** A worker without the destinations role delivers to functions itself, as a worker of an application does. */
function startWorkerOf({ process, ledger, servers, common, functionTarget }: Ports, given: LocalDeliverer | undefined): Stop {
  const own =
    given === undefined
      ? createFunctionDeliverer({ ...common, name: delivererOf(process), targets: { FunctionGraph: functionTarget } })
      : undefined;
  const worker = startWorker({
    ...common,
    worker: process.name,
    host: createSimulatedHost(process, ledger, servers.witness),
    deliverer: given ?? own,
    canRun: () => true,
    window: { size: 64 },
  });
  return async () => {
    await worker.stop(GRACE_IN_MS);
    await own?.stop();
  };
}

async function startSchedulerOf({ process, servers, common }: Ports): Promise<Stop> {
  let scheduler: Scheduler | undefined;
  const clock: Clock = process.pollingClock(() => {
    let earliest = scheduler?.nextSlotCheckAt ?? Number.POSITIVE_INFINITY;
    for (const { checkAt } of scheduler?.open.values() ?? []) earliest = Math.min(earliest, checkAt);
    return earliest;
  });
  scheduler = await startScheduler({
    ...common,
    clock,
    idleAfterInMs: IDLE_AFTER_MS,
    deliveredUpTo: common.queue.deliveredUpTo,
    patienceInMs: PATIENCE_IN_MS,
    countMembers: countMembersOf(process, servers),
  });
  const firing = await fireSchedulesOf({ process, servers, common });
  const { stop } = scheduler;
  return async () => {
    await firing.stop();
    await stop();
  };
}

/** While no schedule is there, the clock sleeps long: a check for nothing ten times a second would take most of a simulation. */
function fireSchedulesOf({ process, servers, common }: Pick<Ports, 'process' | 'servers' | 'common'>): ReturnType<typeof fireSchedules> {
  const { functions } = servers;
  const sleep: Clock['sleep'] = (ms, signal) =>
    process.clock.sleep(Math.max(ms, functions.hasSchedules() ? ms : NO_SCHEDULE_FOR_MS), signal);
  const registry = functions.storeOf(process);
  return fireSchedules({ ...common, clock: { ...process.clock, sleep }, registry, state: servers.stateOf(process) });
}

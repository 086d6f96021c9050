import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import { createFaults, type Faults } from './faults.ts';
import { judgeEnded } from './judges/invariants.ts';
import { Ledger } from './judges/ledger.ts';
import { createMemoryLossFile, watchLossesIn } from './judges/losses.ts';
import { flowsOf } from './judges/slots.ts';
import { Witness } from './judges/witness.ts';
import { createCrowdWorkload } from './load/crowd-workload.ts';
import { type Crowd, crowdIn, timeAllowedBy } from './load/crowds.ts';
import { createPairWorkload } from './load/pair-workload.ts';
import { longestAbsenceInMs, namesOfTurns, processesOfTurns } from './load/turns.ts';
import { createWorkload } from './load/workload.ts';
import { isCalm, type Plan } from './plan.ts';
import { createProjectionHome, type ProjectionHome } from './projection.ts';
import { createEngine, createTrace, type Engine, START } from './world/engine.ts';
import { countLooks, MAX_LOOKS } from './world/looks.ts';
import { MachineClock } from './world/machine-clock.ts';
import { cutPowerSometimes } from './world/power-cuts.ts';
import { type Network, Process } from './world/process.ts';
import { type ProcessKind, startRoles } from './world/roles.ts';
import { openServers, type Servers } from './world/servers.ts';

export type WorldResult = {
  hash: string;
  problems: readonly string[];
  events: number;
  /** How many looks at waiting requests the step took that took most. */
  mostLooks: number;
  invocations: number;
  faults: Faults['happened'];
  writes: Faults['writes'];
  /** The virtual time that passed. */
  tookInMs: number;
  lines: readonly string[];
};

/** Everything ends within this time after the last request, or it never ends. */
const PATIENCE_IN_MS = 3 * 3_600_000;
/** The same where the sender of a batch may die: the batch is sealed after a day. */
const PATIENCE_WITH_BATCHES_IN_MS = 30 * 3_600_000;
/** No fault happens later than this after the last request, so that the world can come to rest. */
const FAULTS_END_AFTER_MS = 120_000;
/** The followers of the log catch up within this time. */
const REST_IN_MS = 1_000;
/** A loss of the log is recorded within this time, and the read model is new after it. */
const LOSS_FOUND_IN_MS = 10_000;
/** The kinds of the processes, by their names. */
const usual: Readonly<Record<string, ProcessKind>> = { all: 'all', worker: 'worker', scheduler: 'scheduler', destinations: 'destinations' };

/**
 * Runs one simulated world to its end, and judges it. `isJudgedFromOutside`: by the judge of `src/judge/` alone, which reads what an outsider sees, and by
 * nothing that the simulation knows.
 */
export async function runWorld(plan: Plan, { keepsLines = false, isJudgedFromOutside = false } = {}): Promise<WorldResult> {
  const crowd = crowdIn(plan);
  const engine = createEngine(plan.seed, createTrace({ keepsLines }));
  using looks = countLooks();
  const faults = createFaults(plan, engine);
  const ledger = new Ledger(engine);
  const memoryLog = createMemoryLog({
    clock: { now: () => engine.now },
    defer: createDefer(engine),
    sharesObjects: true,
    // The projection counts missing messages, and a real log has none.
    isDense: plan.hasProjection,
  });
  const { server, witness } = watched(memoryLog, isJudgedFromOutside);
  using projection = plan.hasProjection ? await createProjectionHome() : undefined;
  const flows = flowsOf({ ...plan, crowd });
  const turning = plan.turns === undefined ? undefined : namesOfTurns(plan.turns);
  const servers = await openServers({ engine, ledger, witness, server, flows, crowd, turning });
  ledger.running.flows = flows;
  // The places of the workers are fewer than the slots of a crowd.
  ledger.running.isCalm = isCalm(plan) && crowd === undefined;
  const network: Network = { upAt: START };
  const client = new Process('client', { engine, faults: noFaults(faults), machine: new MachineClock(engine, plan), network });
  void client.start();
  const running = new Map<string, Process>([['client', client]]);
  const hasCuts = 'power-cut' in plan.rates || 'cut-at-conflict' in plan.rates;
  const world: World = { plan, engine, faults, network, servers, running, hasCuts, projection };
  const processes = plan.turns === undefined ? usual : processesOfTurns(plan.turns);
  for (const [name, kind] of Object.entries(processes)) keepRunning(name, world, (process) => startRoles(kind, process, servers));
  if (projection !== undefined) keepRunning('projection', world, (process) => projection.start(process, servers));
  if (hasCuts) {
    watchLossesIn(client, servers, createMemoryLossFile());
    cutPowerSometimes(world, servers, () => running.values());
  }
  const workload = createWorkloadOf(world, crowd, client);

  const patience = plan.crashPoint === undefined ? PATIENCE_IN_MS : PATIENCE_WITH_BATCHES_IN_MS;
  let endsAt = Number.POSITIVE_INFINITY;
  /** When the invocations of a crowd are over. An item that is redelivered may come later. */
  let rateEndsAt = Number.POSITIVE_INFINITY;
  const hasFailed = failedOf(witness, ledger);
  const isOver = (): boolean => {
    if (looks.endStep() > MAX_LOOKS) ledger.problem(`E4: a step took ${looks.most} looks at waiting requests`);
    if (hasFailed()) return true;
    if (!workload.isDone()) return false;
    if (endsAt === Number.POSITIVE_INFINITY) {
      endsAt = engine.now + patience;
      if (crowd !== undefined) rateEndsAt = engine.now + timeAllowedBy(crowd);
      engine.after(FAULTS_END_AFTER_MS, 'the faults end', () => {
        faults.end();
        void servers.functions.unpause();
      });
    }
    return engine.now > endsAt || (engine.now > rateEndsAt && ledger.open.size > 0) || isAtRest(world);
  };
  // The world looks at rest while a child is stored and not yet delivered: it is over once it stays at rest.
  do {
    await engine.run(isOver);
    const restsAt = engine.now;
    await engine.run(() => hasFailed() || engine.now > restsAt + REST_IN_MS);
  } while (!isOver());
  const hasEnded = engine.now <= endsAt + REST_IN_MS && (engine.now <= rateEndsAt || ledger.open.size === 0);
  const problems = witness?.judge(servers.entries, ledger, flows) ?? (await judgeEnded({ plan, ledger, servers, projection, hasEnded }));
  // Node keeps a signal of `AbortSignal.any` that has a listener, and with it the world, until the signal aborts.
  for (const process of running.values()) process.die();
  servers.close();
  const { hash, lines } = engine.trace;
  const { lives } = ledger;
  return {
    hash,
    lines,
    problems,
    events: engine.events,
    mostLooks: looks.most,
    invocations: lives.size,
    faults: faults.happened,
    writes: faults.writes,
    tookInMs: engine.now - START,
  };
}

function watched(log: MemoryLog, isJudgedFromOutside: boolean): { server: MemoryLog; witness: Witness | undefined } {
  const witness = isJudgedFromOutside ? new Witness() : undefined;
  return { server: witness?.watch(log) ?? log, witness };
}

/** Whether a world need not go on. One that is judged from outside goes on to its end. */
function failedOf(witness: Witness | undefined, { problems }: Ledger): () => boolean {
  return () => witness === undefined && problems.length > 0;
}

function createWorkloadOf(
  { plan, engine, faults, network, servers }: World,
  crowd: Crowd | undefined,
  client: Process,
): { isDone(): boolean } {
  if (crowd !== undefined) return createCrowdWorkload(crowd, { engine, servers, seed: plan.seed });
  if (plan.crashPoint === undefined) return createWorkload(plan, { engine, faults, client, servers });
  const open = (name: string): Process => new Process(name, { engine, faults, machine: new MachineClock(engine, plan), network });
  return createPairWorkload(plan.seed, { engine, servers, open });
}

function isAtRest({ engine, servers, projection }: World): boolean {
  const { ledger, queue, functions } = servers;
  if (ledger.open.size > 0 || !queue.isEmpty((name) => functions.names.has(name))) return false;
  const [cut] = ledger.cuts;
  if (cut !== undefined && engine.now < cut.at + LOSS_FOUND_IN_MS) return false;
  return projection === undefined || projection.isCaughtUp(servers);
}

type World = {
  plan: Plan;
  engine: Engine;
  faults: Faults;
  network: Network;
  servers: Servers;
  /** The present process of each kind. */
  running: Map<string, Process>;
  hasCuts: boolean;
  projection: ProjectionHome | undefined;
};

/** Starts the code of a process. Resolves to the function that stops the code in order. */
type Start = (process: Process) => Promise<() => Promise<void>>;

/** A process of each kind runs all the time. A new one, with a new name, follows each that ended. */
function keepRunning(kind: string, { plan, engine, faults, network, servers, running, hasCuts }: World, startCode: Start): void {
  let count = 0;
  const watermarks = createMemoryLossFile();
  const start = (): void => {
    const process = new Process(`${kind}-${++count}`, { engine, faults, machine: new MachineClock(engine, plan), network });
    running.set(kind, process);
    if (hasCuts && kind === 'all') watchLossesIn(process, servers, watermarks);
    process.death.addEventListener(
      'abort',
      () => void engine.after(engine.chance.between(50, longestAbsenceInMs(plan, kind)), `start ${kind}`, start),
      {
        once: true,
      },
    );
    // A process that cannot start ends, and its supervisor starts the next one.
    process
      .start()
      .then(() => startCode(process))
      .then(
        (stop) =>
          stopSometimes(process, async () => {
            await stop();
            process.die();
          }),
        () => process.die(),
      );
  };
  const stopSometimes = (process: Process, stop: () => Promise<void>): void => {
    process.schedule(engine.chance.between(500, 30_000), 'may be stopped', () => {
      if (faults.strike('stop', process.name)) void stop();
      else stopSometimes(process, stop);
    });
  };
  start();
}

/** The client lives for the whole world. */
function noFaults(faults: Faults): Faults {
  const survivable = (kind: string): boolean => !kind.startsWith('crash') && kind !== 'pause';
  return { ...faults, strike: (kind, where) => survivable(kind) && faults.strike(kind, where) };
}

/** The log delivers to all its followers in one event. */
function createDefer(engine: Engine): (deliver: () => void) => void {
  let waiting: (() => void)[] = [];
  return (deliver) => {
    waiting.push(deliver);
    if (waiting.length > 1) return;
    engine.after(1, 'the log delivers', () => {
      const due = waiting;
      waiting = [];
      for (const one of due) one();
    });
  };
}

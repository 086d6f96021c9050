import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createEngine, createTrace, type Engine, START } from './engine.ts';
import { createFaults, type Faults } from './faults.ts';
import { functionNames } from './functions.ts';
import { findProblems } from './invariants.ts';
import { Ledger } from './ledger.ts';
import type { Plan } from './plan.ts';
import { Process } from './process.ts';
import { type ProcessKind, startRoles } from './roles.ts';
import { openServers, type Servers } from './servers.ts';
import { createWorkload } from './workload.ts';

export type WorldResult = {
  hash: string;
  problems: readonly string[];
  events: number;
  invocations: number;
  faults: Faults['happened'];
  /** The virtual time that passed. */
  tookInMs: number;
  lines: readonly string[];
};

/** Everything ends within this time after the last request, or it never ends. */
const PATIENCE_IN_MS = 3 * 3_600_000;
/** No fault happens later than this after the last request, so that the world can come to rest. */
const FAULTS_END_AFTER_MS = 120_000;
/** The followers of the log catch up within this time. */
const REST_IN_MS = 1_000;
const kinds: readonly ProcessKind[] = ['all', 'worker', 'scheduler', 'destinations'];

/** Runs one simulated world to its end, and judges it. */
export async function runWorld(plan: Plan, { keepsLines = false } = {}): Promise<WorldResult> {
  const engine = createEngine(plan.seed, createTrace({ keepsLines }));
  const faults = createFaults(plan, engine);
  const ledger = new Ledger(engine, 2 * plan.clockOffsetInMs);
  const server = createMemoryLog({
    clock: { now: () => engine.now },
    defer: createDefer(engine),
    sharesObjects: true,
  });
  const servers = await openServers({ engine, ledger, server });
  const client = new Process('client', { engine, faults: noFaults(faults), clockOffsetInMs: 0 });
  for (const kind of kinds) keepRunning(kind, { plan, engine, faults, servers });
  const workload = createWorkload(plan, { engine, faults, client, servers });

  let endsAt = Number.POSITIVE_INFINITY;
  const isOver = (): boolean => {
    if (ledger.problems.length > 0) return true;
    if (!workload.isDone()) return false;
    if (endsAt === Number.POSITIVE_INFINITY) {
      endsAt = engine.now + PATIENCE_IN_MS;
      engine.after(FAULTS_END_AFTER_MS, 'the faults end', () => {
        faults.end();
        void servers.functions.unpause();
      });
    }
    return engine.now > endsAt || isAtRest(servers);
  };
  // The world looks at rest while a child is stored and not yet delivered: it is over once it stays at rest.
  do {
    await engine.run(isOver);
    const restsAt = engine.now;
    await engine.run(() => ledger.problems.length > 0 || engine.now > restsAt + REST_IN_MS);
  } while (!isOver());
  const hasEnded = engine.now <= endsAt + REST_IN_MS;
  if (ledger.problems.length === 0) findProblems({ plan, ledger, servers, hasEnded });
  const { hash, lines } = engine.trace;
  const { problems, lives } = ledger;
  return { hash, lines, problems, events: engine.events, invocations: lives.size, faults: faults.happened, tookInMs: engine.now - START };
}

const isFunction = (name: string): boolean => (functionNames as readonly string[]).includes(name);

function isAtRest({ ledger, queue }: Servers): boolean {
  return ledger.open.size === 0 && queue.isEmpty(isFunction);
}

/** A process of each kind runs all the time. A new one, with a new name, follows each that ended. */
function keepRunning(kind: ProcessKind, world: { plan: Plan; engine: Engine; faults: Faults; servers: Servers }): void {
  const { plan, engine, faults, servers } = world;
  let count = 0;
  const start = (): void => {
    const process = new Process(`${kind}-${++count}`, { engine, faults, clockOffsetInMs: plan.clockOffsetInMs });
    process.death.addEventListener('abort', () => void engine.after(engine.chance.between(50, 3_000), `start ${kind}`, start), {
      once: true,
    });
    const running = startRoles(kind, process, servers);
    // A process that cannot start ends, and its supervisor starts the next one.
    running.then(
      ({ stop }) => stopSometimes(process, stop),
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

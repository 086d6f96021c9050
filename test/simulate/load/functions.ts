import type { PolicyInput } from '#src/core/functions/definition.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { ScheduleInput } from '#src/core/schedules/schedule.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { createSchedules } from '#src/functions/schedules.ts';
import type { Flows } from '#test/simulate/judges/slots.ts';
import { conditions } from '../world/conditions.ts';
import type { Chance, Engine } from '../world/engine.ts';
import type { Process } from '../world/process.ts';
import type { Crowd } from './crowds.ts';

/** The functions of a world. `mails` receives the outcomes of the others, and `circles` those of itself until the chain is cut. */
export const functionNames = ['orders', 'billing', 'mails', 'circles', 'singles'] as const;
type Name = (typeof functionNames)[number];

/** The schedules of a world, by name: each policy that lets no two invocations of a schedule run at one moment. */
const scheduled: Readonly<Record<string, Omit<ScheduleInput, 'name'>>> = {
  skips: { cron: '*/2 * * * * *', function: 'orders', event: '{"customer":1}', overlap: 'skip' },
  queues: { cron: '*/3 * * * * *', function: 'billing', event: '{"customer":1}', overlap: 'queue' },
};
export const scheduleNames: readonly string[] = Object.keys(scheduled);
/** The concurrency of a function that becomes idle and busy in turns. */
const PLACES = 20;
const random = { bytes: (size: number): Uint8Array => new Uint8Array(size) };

export type SimulatedFunctions = {
  names: ReadonlySet<string>;
  registry: FunctionRegistry;
  /** The store of the registry as a process reaches it. */
  storeOf: (process: Process) => KeyValue;
  change: (chance: Chance) => Promise<void>;
  /** Creates the schedules of the world. They fire until `endSchedules`. */
  startSchedules: () => Promise<void>;
  endSchedules: () => Promise<void>;
  hasSchedules: () => boolean;
  /** Ends every pause of a function. */
  unpause: () => Promise<void>;
};

type Plain = { crowd: Crowd | undefined; turning: readonly string[] | undefined };

/** `turning`: the functions of a world in which functions become idle and busy in turns. */
export async function createSimulatedFunctions(engine: Engine, flows: Flows, { crowd, turning }: Plain): Promise<SimulatedFunctions> {
  const store = createMemoryKeyValue();
  const registry = createFunctionRegistry(store, { clock: { now: () => engine.now } });
  const paused = new Set<Name>();
  const put = (name: Name, chance: Chance): Promise<unknown> =>
    registry.put({
      ...(crowd === undefined ? definitionOf(name, chance) : plainOf(name, crowd.places)),
      paused: paused.has(name),
      flow: flows[name],
    });
  for (const name of turning ?? []) await registry.put(plainOf(name, PLACES));
  if (turning === undefined) for (const name of functionNames) await put(name, engine.chance);
  let hasSchedules = false;
  const schedules = createSchedules({
    ...{ store, clock: { now: () => engine.now }, functions: registry },
    // No one asks for the progress, and a person runs no schedule.
    ...{ state: { get: async () => undefined }, log: { accept: () => Promise.reject(new Error('no schedule is run')) }, random },
  });
  return {
    async startSchedules() {
      hasSchedules = true;
      for (const [name, schedule] of Object.entries(scheduled)) await schedules.put({ name, ...schedule });
    },
    async endSchedules() {
      for (const name of Object.keys(scheduled)) await schedules.delete(name);
      hasSchedules = false;
    },
    hasSchedules: () => hasSchedules,
    registry,
    names: new Set<string>(turning ?? functionNames),
    storeOf: (process) => delayed(store, process),
    async change(chance) {
      const name = chance.pick(functionNames);
      if (chance.happens(0.3)) paused.add(name);
      else paused.delete(name);
      await put(name, chance);
    },
    async unpause() {
      const names = [...paused];
      paused.clear();
      for (const name of names) await put(name, engine.chance);
    },
  };
}

export function delayed(store: KeyValue, process: Process): KeyValue {
  // A crowd is judged by its rate, and a slow watch would decide it.
  const slowestInMs = process.machine.isExact ? 5 : 500;
  return {
    get: (key) => process.call(`get ${key}`, () => store.get(key)),
    put: (...given) => process.call(`put ${given[0]}`, () => store.put(...given)),
    delete: (...given) => process.call(`delete ${given[0]}`, () => store.delete(...given)),
    erase: (...given) => process.call(`erase ${given[0]}`, () => store.erase(...given)),
    keys: () => process.call('keys', store.keys),
    names: () => process.call('names', store.names),
    reachedWatchers: (revision) => process.call('reached watchers', () => store.reachedWatchers(revision)),
    newestRevision: () => process.call('newest revision', store.newestRevision),
    watch: (onChange, signal) =>
      process.call('watch', () => {
        let isPresent = true;
        const watching = store.watch(
          (change) =>
            isPresent
              ? onChange(change)
              : process.schedule(process.engine.chance.between(0, slowestInMs), `learns of ${change.key}`, () => onChange(change)),
          AbortSignal.any([signal, process.death]),
        );
        isPresent = false;
        return watching;
      }),
  };
}

function definitionOf(name: Name, chance: Chance): Record<string, unknown> {
  return {
    name,
    handler: { kind: 'inline' },
    concurrency: name === 'singles' ? 1 : chance.between(2, 30),
    policy: policyOf(name, chance),
  };
}

/** A function whose executions succeed, and nothing follows from them. */
function plainOf(name: string, places: number): Record<string, unknown> {
  return { name, handler: { kind: 'inline' }, concurrency: places, policy: { maxRetries: 0, maxAgeInSeconds: 86_400 } };
}

function policyOf(name: Name, chance: Chance): PolicyInput {
  const onSuccess = name === 'mails' ? [] : name === 'circles' ? [toFunction('circles')] : someDestinations(chance);
  return {
    maxRetries: chance.between(0, 3),
    maxAgeInSeconds: chance.pick([30, 300, 3_600]),
    backoff: { initialInMs: chance.pick([100, 1_000, 20_000]), factor: 2, maxInMs: 60_000, jitter: chance.pick([0, 0.5]) },
    onSuccess,
    onFailure: name === 'mails' ? [] : someDestinations(chance),
    allowCycle: true,
  };
}

function someDestinations(chance: Chance): NonNullable<PolicyInput['onSuccess']> {
  if (chance.happens(0.4)) return [];
  const all = [
    toFunction('mails'),
    toHost(chance.pick(['healthy', 'healthy', 'flaky', 'slow', 'dead', 'gone'])),
    toFunction(chance.pick(['mails', 'billing'])),
  ];
  return all
    .slice(0, chance.between(1, 3))
    .map((destination) => (chance.happens(0.3) ? { ...destination, when: chance.pick(conditions).when } : destination));
}

function toFunction(name: Name) {
  return { destination: 'FunctionGraph' as const, param: { func_urn: name } };
}

function toHost(host: string) {
  return { destination: 'HTTP' as const, param: { url: `https://${host}.example` } };
}

import type { PolicyInput } from '#src/core/functions/definition.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { conditions } from './conditions.ts';
import type { Chance, Engine } from './engine.ts';
import type { Process } from './process.ts';
import type { Flows } from './slots.ts';

/** The functions of a world. `mails` receives the outcomes of the others, and `circles` those of itself until the chain is cut. */
export const functionNames = ['orders', 'billing', 'mails', 'circles', 'singles'] as const;
type Name = (typeof functionNames)[number];

export type SimulatedFunctions = {
  registry: FunctionRegistry;
  /** The store of the registry as a process reaches it. */
  storeOf: (process: Process) => KeyValue;
  change: (chance: Chance) => Promise<void>;
  /** Ends every pause of a function. */
  unpause: () => Promise<void>;
};

export async function createSimulatedFunctions(engine: Engine, flows: Flows): Promise<SimulatedFunctions> {
  const store = createMemoryKeyValue();
  const registry = createFunctionRegistry(store, { clock: { now: () => engine.now } });
  const paused = new Set<Name>();
  const put = (name: Name, chance: Chance): Promise<unknown> =>
    registry.put({ ...definitionOf(name, chance), paused: paused.has(name), flow: flows[name] });
  for (const name of functionNames) await put(name, engine.chance);
  return {
    registry,
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
  return {
    get: (key) => process.call(`get ${key}`, () => store.get(key)),
    put: (...given) => process.call(`put ${given[0]}`, () => store.put(...given)),
    delete: (...given) => process.call(`delete ${given[0]}`, () => store.delete(...given)),
    erase: (...given) => process.call(`erase ${given[0]}`, () => store.erase(...given)),
    keys: () => process.call('keys', store.keys),
    reachedWatchers: (revision) => process.call('reached watchers', () => store.reachedWatchers(revision)),
    newestRevision: () => process.call('newest revision', store.newestRevision),
    watch: (onChange, signal) =>
      process.call('watch', () => {
        let isPresent = true;
        const watching = store.watch(
          (change) =>
            isPresent
              ? onChange(change)
              : process.schedule(process.engine.chance.between(0, 500), `learns of ${change.key}`, () => onChange(change)),
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

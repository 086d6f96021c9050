import type { Flow } from '#src/core/functions/flow.ts';
import type { Plan } from '#test/simulate/plan.ts';
import { acceptedFlows, debounceWaitOf, type FlowWork, shortestTimeOf } from '#test/support/flow/shortest-time.ts';
import { createChance } from '../world/engine.ts';

/**
 * Many requests at one moment for functions with flows, and nothing fails. Such a world is judged by its rate: it ends within three times the
 * time that the limits of its flows allow.
 */
export type Crowd = {
  name: 'small' | 'keys' | 'ranks';
  flows: Readonly<Record<string, Flow>>;
  requests: number;
  keys: number;
  takesMs: number;
  /** The concurrency of each function in each worker. */
  places: number;
  /** The share of the requests that is sent twice, so that two workers hold items of one stream. */
  repeated: number;
  /** Requests have priorities from 0 to 9. Otherwise all have one rank. */
  hasPriorities: boolean;
};

/** Two kinds of processes run workers. */
const WORKERS = 2;
/** What a world may take of the time that the limits of its flows allow. */
const SLOWER = 3;
/** Processes start, and followers catch up, whatever the limits are. */
const STARTS_WITHIN_MS = 2_000;

const names = ['orders', 'billing', 'singles'] as const;
const concurrent = acceptedFlows('$.customer');

/** Worlds with as many keys and as many equal ranks as one entry of a pool, and one write of a scheduler, must stand. */
const largeCrowds: readonly Crowd[] = [
  {
    name: 'keys',
    flows: { orders: { concurrency: 1, key: '$.customer', total: 50, order: 'fifo' } },
    ...{ requests: 20_000, keys: 20_000, takesMs: 20, places: 20, repeated: 0, hasPriorities: false },
  },
  {
    name: 'ranks',
    flows: { orders: { concurrency: 20, order: 'priority' } },
    ...{ requests: 20_000, keys: 1, takesMs: 20, places: 20, repeated: 0, hasPriorities: false },
  },
];

/** A small crowd: flows that a definition accepts, on one function or on some that share a pool. The seed decides. */
function crowdOf(seed: number): Crowd {
  const chance = createChance(seed ^ 0xc0ffee);
  const pick = (): Flow => concurrent[Math.floor(chance.next() * concurrent.length)] as Flow;
  const flow = pick();
  const flows: Record<string, Flow> = { [names[0]]: flow };
  // The functions of a pool have limits of their own, with keys and without.
  if (flow.pool !== undefined) for (const name of names.slice(1)) flows[name] = { ...pick(), pool: flow.pool };
  return {
    name: 'small',
    flows,
    requests: chance.between(150, 300),
    keys: chance.pick([1, 4, 60]),
    takesMs: chance.pick([20, 100]),
    ...placesOf(seed, chance.pick([1, 2, 20])),
    hasPriorities: chance.happens(0.5),
  };
}

/** In each eighth crowd a run often waits for a place that its own attempt gets meanwhile, because the request has two items and a worker one place. */
function placesOf(seed: number, usual: number): Pick<Crowd, 'places' | 'repeated'> {
  return seed % 128 === 86 ? { places: 1, repeated: 0.6 } : { places: usual, repeated: 0.15 };
}

/** The crowd of a plan; `undefined` for a world of another kind. */
export function crowdIn({ crowd, seed }: Pick<Plan, 'crowd' | 'seed'>): Crowd | undefined {
  return crowd === undefined ? undefined : (largeCrowds.find(({ name }) => name === crowd) ?? crowdOf(seed));
}

/** The function and the key of a request, by its number. */
export function requestOfCrowd({ flows, keys }: Crowd, number: number): { name: string; key: number } {
  const all = Object.keys(flows);
  return { name: all[number % all.length] ?? '', key: Math.floor(number / all.length) % keys };
}

/** How many attempts hold slots of one entry, at most. An attempt that was executed holds its slot until its outcome is stored, without a place. */
export function mostHoldersOf({ flows, places }: Crowd): number {
  return 2 * WORKERS * places * Object.keys(flows).length;
}

/** The time in which a crowd must end. Functions of a pool may run one after another. */
export function timeAllowedBy(crowd: Crowd): number {
  const { flows, requests, takesMs, places } = crowd;
  const keys = new Map<string, number[]>(Object.keys(flows).map((name) => [name, []]));
  for (let number = 0; number < requests; number++) {
    const { name, key } = requestOfCrowd(crowd, number);
    keys.get(name)?.push(key);
  }
  let sum = 0;
  for (const [name, flow] of Object.entries(flows)) {
    const work: FlowWork = { keys: leadersOf(flow, keys.get(name) ?? []), takesMs, places: places * WORKERS };
    sum += debounceWaitOf(flow) + shortestTimeOf(flow, work);
  }
  return SLOWER * sum + STARTS_WITHIN_MS;
}

/** The keys of the requests that run: of debounced requests of one moment, one of each key. */
function leadersOf({ debounce, key }: Flow, keys: readonly number[]): readonly number[] {
  if (debounce === undefined) return keys;
  return key === undefined ? keys.slice(0, 1) : [...new Set(keys)];
}

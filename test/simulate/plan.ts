/** The kinds of faults, with their meaning. The rate of a kind is a probability for each occasion. */
export const faultKinds = {
  'lost-request': 'an append or a request does not reach the log',
  'late-request': 'an append or a request reaches the log only after its sender gave it up',
  'lost-answer': 'the log stored a message, and the answer is lost',
  'slow-call': 'a call of a port takes up to 240 ms',
  'failed-read': 'a read of the log fails',
  'late-read': 'the answer to a read of the log arrives up to 5 s late',
  'slow-bucket': 'a store of positions answers, or stores, up to 5 s late',
  'failed-result': 'a result cannot be published',
  'lost-hint': 'a hint is lost',
  'repeated-hint': 'a hint is delivered twice',
  'slow-hint': 'a hint arrives up to 20 s later, after younger ones',
  'lost-ack': 'the acknowledgement of an item is lost',
  'lost-delivery': 'an item is lost on its way to a process, and is redelivered after its lease',
  'lost-lease': 'the extension of a lease is lost',
  'silent-probe': 'a process does not answer whether it runs an attempt',
  'lost-probe': 'a process is asked about its attempt while it connects again, so that nothing answers to its name',
  'crash-before': 'a process dies before a call of a port is sent',
  'crash-after': 'a process dies when a port answers, before it can act on the answer',
  'failed-consumer': 'a step of opening or removing the consumer of a function fails',
  'crash-at-consumer': 'a process dies after a step of opening or removing the consumer of a function',
  'crash-of-reader': 'a projection dies when it receives a message of the log',
  pause: 'a process stands still for up to a minute',
  stop: 'a process is stopped in order, and another one is started',
  'policy-change': 'the definition of a function changes',
  'clock-set': 'the clock of a machine is set, by up to an hour in either direction',
  'cut-at-conflict': 'the log loses its last append, and gives its sequence to one that was refused for it',
  'power-cut': 'the log loses its last messages, of up to 2 s, and gives their sequences to others',
} as const;

export type FaultKind = keyof typeof faultKinds;

/**
 * Many functions become idle and busy in turns, so that their consumers are opened and removed all the time (CONS1 to CONS5).
 *
 * - `calm`: nothing fails.
 * - `failing`: steps of opening and removing a consumer fail.
 * - `crashing`: processes die at these steps, hints are lost, and one of the two schedulers stays away for minutes.
 * - `unscheduled`: no scheduler runs, so that the workers open the consumers themselves.
 */
export const turnKinds = ['calm', 'failing', 'crashing', 'unscheduled'] as const;
export type TurnKind = (typeof turnKinds)[number];
export type Turns = { kind: TurnKind; functions: number };

/** Everything that determines a simulated world. Equal plans give equal traces. */
export type Plan = {
  seed: number;
  invocations: number;
  /** The mean time between two requests, in milliseconds. */
  requestEveryMs: number;
  rates: Readonly<Partial<Record<FaultKind, number>>>;
  /** How far the clock of a machine may be from the true time, in milliseconds. */
  clockOffsetInMs: number;
  /** Every machine measures the time without an error. */
  isTimeExact: boolean;
  /** Whether functions have flows. Absent in plans of earlier failures. */
  hasFlows?: boolean;
  /** Whether the flows with keys have an order. Absent in plans of earlier failures. */
  hasOrder?: boolean;
  /** Whether the flows have priorities, in place of an order. Absent in plans of earlier failures. */
  hasPriorities?: boolean;
  /** Whether requests of some functions are debounced. Absent in plans of earlier failures. */
  hasDebounce?: boolean;
  /** Whether schedules fire. Absent in plans of earlier failures. */
  hasSchedules?: boolean;
  /** Batches are opened, filled, sealed and cancelled. */
  hasBatches?: boolean;
  /** Whether many requests come at one moment, and the world is judged by its rate: a small crowd of the seed, or a large one. */
  crowd?: 'small' | 'keys' | 'ranks';
  /** Whether many functions become idle and busy in turns. */
  turns?: Turns;
  /**
   * The write after which its process dies, in the order of all writes; 0 for none. The world then has each pair of a request and its record:
   * redrives, batches, children, schedules, groups and slots.
   */
  crashPoint?: number;
  /** Whether a projection follows the log. */
  hasProjection: boolean;
  /** How many faults happen at most, of all kinds; `null` for no limit. */
  maxFaults: number | null;
  /** Faults that do not happen, by their number. */
  withoutFaults: readonly number[];
  /** Requests that are not sent, by their number. */
  withoutRequests: readonly number[];
};

const usual: Plan['rates'] = {
  'lost-request': 0.006,
  'late-request': 0.004,
  'lost-answer': 0.01,
  'slow-call': 0.02,
  'failed-read': 0.005,
  'late-read': 0.03,
  'failed-result': 0.01,
  'lost-hint': 0.05,
  'repeated-hint': 0.05,
  'slow-hint': 0.05,
  'lost-ack': 0.02,
  'lost-delivery': 0.02,
  'lost-lease': 0.1,
  'silent-probe': 0.1,
  'lost-probe': 0.1,
  'crash-before': 0.001,
  'crash-after': 0.002,
  'crash-of-reader': 0.0015,
  pause: 0.0004,
  stop: 0.0003,
  'policy-change': 0.005,
  'clock-set': 0.02,
};

const turnRates: Readonly<Record<TurnKind, Plan['rates']>> = {
  calm: {},
  failing: { 'failed-consumer': 0.02 },
  crashing: { 'failed-consumer': 0.01, 'lost-hint': 0.05, 'crash-at-consumer': 0.004 },
  unscheduled: {},
};

const powerCuts: Plan['rates'] = { 'power-cut': 0.12, 'cut-at-conflict': 0.6 };
/** Schedulers with an old progress of a schedule decide about its fire times (CRON6). */
const slowBuckets: Plan['rates'] = { 'slow-bucket': 0.1 };

const HOUR_IN_MS = 3_600_000;

/**
 * Each eighth world is calm: nothing fails, so everything happens exactly once. Each eighth world has power cuts, and a projection follows
 * the log of half of them. It follows the log of a few other worlds too: there the log never goes backwards, so the projection always
 * continues from its checkpoint. Each sixteenth world is a crowd, and in each fourth of these, functions become idle and busy in turns instead.
 */
export function planFor(seed: number, invocations: number, kinds?: readonly FaultKind[]): Plan {
  if (seed % 64 === 38) return turnsPlanFor(seed, turnKinds[Math.floor(seed / 64) % turnKinds.length] as TurnKind, SMALL_TURNS);
  if (seed % 16 === 6) return crowdPlanFor(seed, 'small');
  const isCalm = seed % 8 === 0;
  const hasPowerCuts = seed % 8 === 3;
  const hasProjection = seed % 16 === 3 || seed % 32 === 7;
  const hasSchedules = seed % 8 === 2;
  const chosen = Object.entries({ ...usual, ...(hasPowerCuts ? powerCuts : {}), ...(hasSchedules ? slowBuckets : {}) }).filter(
    ([kind]) => !isCalm && (kinds === undefined || kinds.includes(kind as FaultKind)),
  );
  // Worlds differ in how bad they are.
  const severity = 0.25 + ((seed * 7) % 16) / 8;
  const rates = Object.fromEntries(chosen.map(([kind, rate]) => [kind, rate * severity]));
  return {
    seed,
    invocations,
    // Power cuts need requests that are accepted while they happen.
    requestEveryMs: hasPowerCuts ? 200 : 20,
    rates,
    clockOffsetInMs: HOUR_IN_MS,
    isTimeExact: false,
    hasProjection,
    hasFlows: seed % 4 === 1 || seed % 16 === 0,
    hasOrder: seed % 8 === 5 || seed % 32 === 16,
    hasPriorities: seed % 16 === 9 || seed % 64 === 32,
    hasDebounce: seed % 16 === 1 || seed % 64 === 0,
    hasSchedules,
    hasBatches: seed % 8 === 4,
    maxFaults: null,
    withoutFaults: [],
    withoutRequests: [],
  };
}

/** The plan of a crowd. Nothing fails, and the clocks of its machines are right. */
function crowdPlanFor(seed: number, crowd: NonNullable<Plan['crowd']>): Plan {
  const none = { rates: {}, maxFaults: null, withoutFaults: [], withoutRequests: [] };
  return { seed, crowd, invocations: 0, requestEveryMs: 0, clockOffsetInMs: 0, isTimeExact: true, hasProjection: false, ...none };
}

/** A small world in which one process dies after one write. The clocks of its machines are right. */
export function crashPlanFor(seed: number, crashPoint: number): Plan {
  const none = { rates: {}, maxFaults: null, withoutFaults: [], withoutRequests: [], hasProjection: false };
  const has = { hasFlows: true, hasDebounce: true, hasSchedules: true };
  return { seed, crashPoint, invocations: 0, requestEveryMs: 0, clockOffsetInMs: 0, isTimeExact: true, ...has, ...none };
}

/** In an hour, each of the functions becomes busy five times or more. */
const LARGE_TURNS = { functions: 1_000, invocations: 5_000, requestEveryMs: 720 };
const SMALL_TURNS = { functions: 100, invocations: 400, requestEveryMs: 720 };

/** The plan of a world whose functions become idle and busy in turns. The clocks of its machines are right. */
function turnsPlanFor(seed: number, kind: TurnKind, { functions, ...requests }: typeof SMALL_TURNS): Plan {
  const none = { maxFaults: null, withoutFaults: [], withoutRequests: [], hasProjection: false };
  return { seed, turns: { kind, functions }, ...requests, rates: turnRates[kind], clockOffsetInMs: 0, isTimeExact: true, ...none };
}

/** The large worlds, by name. */
export function largePlansFor(seed: number): ReadonlyMap<string, Plan> {
  const crowds = (['keys', 'ranks'] as const).map((crowd) => [crowd, crowdPlanFor(seed, crowd)] as const);
  return new Map([...crowds, ...turnKinds.map((kind) => [`turns-${kind}`, turnsPlanFor(seed, kind, LARGE_TURNS)] as const)]);
}

export function isCalm({ rates, maxFaults, crashPoint }: Plan): boolean {
  if (crashPoint !== undefined) return false;
  return maxFaults === 0 || Object.values(rates).every((rate) => rate === 0);
}

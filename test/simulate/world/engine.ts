import TinyQueue from 'tinyqueue';
import { createSeededRandom } from '#test/support/seeded-random.ts';

/** When every simulated world starts: 2026-01-01. */
export const START = Date.UTC(2026, 0, 1);

/** Numbers that a seed repeats. */
export interface Chance {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  happens(probability: number): boolean;
  pick<Value>(values: readonly [Value, ...Value[]]): Value;
}

export function createChance(seed: number): Chance {
  const next = createSeededRandom(seed);
  return {
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    happens: (probability) => probability > 0 && next() < probability,
    pick: (values) => values[Math.floor(next() * values.length)] as (typeof values)[number],
  };
}

type Event = { at: number; tie: number; order: number; label: string; run: (() => void) | undefined };

/**
 * The only source of order and time in a simulated world: a queue of events under virtual time.
 *
 * 1. An event runs alone, and all microtasks that follow from it run before the next event.
 * 2. Events of one moment run in an order that the seed decides.
 * 3. The trace contains every event that ran. Equal seeds have equal traces.
 */
export interface Engine {
  readonly now: number;
  readonly chance: Chance;
  readonly trace: Trace;
  readonly events: number;
  /** Adds a line to the trace. */
  note(text: string): void;
  /** Runs a callback after a time. The returned function cancels it. */
  after(ms: number, label: string, run: () => void): () => void;
  /** Runs events until `isOver` is true after one, or none is left. Rejects with what an event throws. */
  run(isOver: () => boolean): Promise<void>;
}

export function createEngine(seed: number, trace: Trace): Engine {
  const chance = createChance(seed);
  const queue = new TinyQueue<Event>([], (one, other) => one.at - other.at || one.tie - other.tie || one.order - other.order);
  let now = START;
  let order = 0;
  let events = 0;

  /** Runs the next event that was not cancelled; false when none is left. */
  function step(): boolean {
    for (let event = queue.pop(); event !== undefined; event = queue.pop()) {
      if (event.run === undefined) continue;
      now = event.at;
      events++;
      trace.add(now - START, event.label);
      event.run();
      return true;
    }
    return false;
  }

  return {
    chance,
    trace,
    get now() {
      return now;
    },
    get events() {
      return events;
    },
    note: (text) => trace.add(now - START, text),
    after(ms, label, run) {
      const event: Event = { at: now + Math.max(0, Math.ceil(ms)), tie: chance.next(), order: order++, label, run };
      queue.push(event);
      return () => {
        event.run = undefined;
      };
    },
    run: (isOver) =>
      new Promise((resolve, reject) => {
        // Node runs all microtasks between two immediates, and then looks for unhandled rejections.
        const turn = (): void => {
          try {
            if (isOver() || !step()) return resolve();
          } catch (error) {
            return reject(error);
          }
          setImmediate(turn);
        };
        turn();
      }),
  };
}

/**
 * The record of what happened. Its hash covers the time and the length of each line: to read all characters took 3 % of a
 * simulation, and an event that differs changes the times that follow. The lines themselves are kept on request.
 */
export interface Trace {
  readonly hash: string;
  readonly lines: readonly string[];
  add(at: number, text: string): void;
}

export function createTrace({ keepsLines }: { keepsLines: boolean }): Trace {
  let [one, two] = [0xdeadbeef, 0x41c6ce57];
  const lines: string[] = [];
  return {
    lines,
    get hash() {
      return ((one >>> 0).toString(16) + (two >>> 0).toString(16)).padStart(16, '0');
    },
    add(at, text) {
      one = Math.imul(one ^ at, 2_654_435_761);
      two = Math.imul(two ^ text.length, 1_597_334_677) + one;
      if (keepsLines) lines.push(`${String(at).padStart(9)} ms  ${text}`);
    },
  };
}

import { createInterface } from 'node:readline';

/* How `bench/compare.ts` talks with the processes of the other systems: a line of stdin names a command, and a line of stdout has its answer. */

export const say = (line) => void process.stdout.write(`${line}\n`);

/** Answers commands until stdin ends. */
export async function answerCommands(commands) {
  say('ready');
  for await (const line of createInterface({ input: process.stdin })) say(JSON.stringify(await commands[line]()));
  process.exit(0);
}

/** The seconds that some work took. */
export async function timed(work) {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

/** The milliseconds of each of 300 pieces of work, one after the other, at most a hundred a second: as `latencies` of `bench/load/workloads.ts`. */
export async function latenciesOf(work) {
  const times = [];
  for (let i = 0; i < 300; i++) {
    const inMs = (await timed(() => work(i))) * 1_000;
    times.push(inMs);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 10 - inMs)));
  }
  return times;
}

/** The outcomes that were seen, each once. */
export function createSeen() {
  let ids = new Set();
  let expected = Number.POSITIVE_INFINITY;
  let resolveAll = () => {};
  return {
    add(id) {
      ids.add(id);
      if (ids.size >= expected) resolveAll();
    },
    /** Forgets all outcomes. Resolves when so many have been seen. */
    next(count) {
      ids = new Set();
      expected = count;
      return new Promise((resolve) => {
        resolveAll = resolve;
      });
    },
  };
}

/** How many requests a load has on their way, if the load sends requests one by one. The load of Sequent has the same number (`bench/load/load.ts`). */
export const IN_FLIGHT = 1_024;

/** Lets at most so many be on their way. */
export function createFlow(max) {
  let count = 0;
  let resume = () => {};
  return {
    enter() {
      count++;
      return count <= max ? undefined : new Promise((resolve) => (resume = resolve));
    },
    leave() {
      count--;
      if (count < max) resume();
    },
  };
}

/** An event of about 200 bytes. */
export const eventOf = (i) => ({ i, text: 'x'.repeat(170) });

/** So many events in batches of 1,000. */
export function* batchesOf(count) {
  for (let from = 0; from < count; from += 1_000)
    yield Array.from({ length: Math.min(1_000, count - from) }, (_, index) => eventOf(from + index));
}

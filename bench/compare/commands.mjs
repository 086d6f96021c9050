import { createInterface } from 'node:readline';

/* How `bench/compare.ts` talks with the processes of the other systems: a line of stdin is a command, and a line of stdout has its answer. */

export const say = (line) => void process.stdout.write(`${line}\n`);
const sleep = (inMs) => new Promise((resolve) => setTimeout(resolve, inMs));

/** How many requests a load has on their way, if the load sends requests one by one. The load of Sequent has the same number (`bench/load/load.ts`). */
export const IN_FLIGHT = 1_024;
/** A lasting load waits while so many requests have no outcome yet, as that of Sequent does (`bench/measure/lasting.ts`). */
const MAX_OPEN = 8_000;
const ASK_EVERY_MS = 1_000;
const SETTLE_AFTER_MS = 500;

/** An event of about 200 bytes. */
const eventOf = (i) => ({ i, text: 'x'.repeat(170) });

/**
 * Answers the commands of `bench/compare/peer.ts` until stdin ends.
 *
 * - `send(events)`: resolves when the system has accepted these events durably.
 * - `seen`: the outcomes, of `createSeen`.
 * - `batch`: how many events one `send` gets; `underWay`: how many sends are under way at one moment.
 * - `ask()`: asks for the latest work as the system's own interface allows it, if the system keeps ended work.
 * - `settle()`: does soon after the start of a load what the server does by itself within a minute.
 */
export async function answerCommands({ send, seen, batch = 1, underWay = IN_FLIGHT, ask, settle }) {
  const eventsFrom = (from, count) => Array.from({ length: count }, (_, index) => eventOf(from + index));
  /** Sends up to `max` events while `mayGoOn` allows the next ones. Resolves to their number when all are accepted. */
  async function sendWhile(max, mayGoOn) {
    const flow = createFlow(underWay);
    let sent = 0;
    while (sent < max && (await mayGoOn(sent))) {
      const count = Math.min(batch, max - sent);
      await flow.enter();
      void send(eventsFrom(sent, count)).then(flow.leave);
      sent += count;
    }
    await flow.empty();
    return sent;
  }
  const commands = {
    async burst({ count }) {
      const startedAt = performance.now();
      const all = seen.next(count);
      await Promise.all([sendWhile(count, () => true), all]);
      return { rate: (count / (performance.now() - startedAt)) * 1_000 };
    },
    async lasting({ seconds }) {
      const startedAt = performance.now();
      const until = startedAt + seconds * 1_000;
      void seen.next(Number.POSITIVE_INFINITY);
      if (settle !== undefined) setTimeout(settle, SETTLE_AFTER_MS);
      const watching = watch(ask, until);
      const sending = sendWhile(Number.POSITIVE_INFINITY, async (sent) => {
        while (sent - seen.count >= MAX_OPEN && performance.now() < until) await sleep(1);
        return performance.now() < until;
      });
      const slowestAnswerInMs = await watching;
      const rate = (seen.count / (performance.now() - startedAt)) * 1_000;
      const { lullInMs } = seen;
      const count = await sending;
      await seen.reach(count);
      return { rate, count, slowestAnswerInMs, lullInMs };
    },
    /** The milliseconds of each of 300 requests, one after the other, at most a hundred a second: as `latencies` of `bench/load/workloads.ts`. */
    async latencies() {
      const times = [];
      for (let i = 0; i < 300; i++) {
        const startedAt = performance.now();
        const one = seen.next(1);
        void send([eventOf(i)]);
        await one;
        const inMs = performance.now() - startedAt;
        times.push(inMs);
        await sleep(Math.max(0, 10 - inMs));
      }
      return times;
    },
  };
  say('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...options } = JSON.parse(line);
    say(JSON.stringify(await commands[command](options)));
  }
  process.exit(0);
}

/** Asks once a second. Resolves at the moment to the time of the slowest answer in milliseconds; 0 for a system without history. */
async function watch(ask, until) {
  let slowest = 0;
  while (performance.now() < until) {
    const askedAt = performance.now();
    if (ask !== undefined) {
      await ask();
      slowest = Math.max(slowest, performance.now() - askedAt);
    }
    await sleep(Math.max(0, Math.min(until, askedAt + ASK_EVERY_MS) - performance.now()));
  }
  return slowest;
}

/** The outcomes that were seen. */
export function createSeen() {
  let ids = new Set();
  let count = 0;
  let expected = Number.POSITIVE_INFINITY;
  let resolveAll = () => {};
  let lastAt = 0;
  let lullInMs = 0;
  const arrive = (more) => {
    const now = performance.now();
    if (count > 0) lullInMs = Math.max(lullInMs, now - lastAt);
    lastAt = now;
    count += more;
    if (count >= expected) resolveAll();
  };
  const reach = (wanted) =>
    new Promise((resolve) => {
      expected = wanted;
      resolveAll = resolve;
      if (count >= wanted) resolve();
    });
  return {
    /** An outcome by its id. A repeated one does not count. */
    add(id) {
      if (ids.has(id)) return;
      ids.add(id);
      arrive(1);
    },
    /** Outcomes that the system names once, without their ids. */
    addCounted: arrive,
    get count() {
      return count;
    },
    /** The longest time between two outcomes that follow each other, in milliseconds. */
    get lullInMs() {
      return lullInMs;
    },
    /** Forgets all outcomes. Resolves when so many have been seen. */
    next(wanted) {
      ids = new Set();
      count = 0;
      lullInMs = 0;
      return reach(wanted);
    },
    /** Resolves when so many have been seen since `next`. */
    reach,
  };
}

/** Lets at most so many be on their way. */
function createFlow(max) {
  let count = 0;
  let resume = () => {};
  return {
    enter() {
      count++;
      return count <= max ? undefined : new Promise((resolve) => (resume = resolve));
    },
    leave() {
      count--;
      if (count <= max) resume();
    },
    async empty() {
      while (count > 0) await sleep(1);
    },
  };
}

/**
 * Counts the outcomes in a table of PostgreSQL: a trigger for each statement sends their number when the statement commits, so nobody polls for them.
 *
 * `changed`: UPDATE or DELETE. `condition`: which of the changed rows are outcomes.
 */
export async function countOutcomes(client, seen, { tables, changed, condition = 'true' }) {
  const rows = changed === 'DELETE' ? 'OLD' : 'NEW';
  await client.query(`CREATE OR REPLACE FUNCTION bench_outcomes() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE ended bigint;
    BEGIN
      SELECT count(*) INTO ended FROM changed WHERE ${condition};
      IF ended > 0 THEN PERFORM pg_notify('bench_outcomes', ended || ' ' || txid_current() || ' ' || clock_timestamp()); END IF;
      RETURN NULL;
    END $$`);
  for (const table of tables)
    await client.query(`CREATE OR REPLACE TRIGGER bench_outcomes AFTER ${changed} ON ${table}
      REFERENCING ${rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION bench_outcomes()`);
  client.on('notification', ({ payload }) => seen.addCounted(Number.parseInt(payload, 10)));
  await client.query('LISTEN bench_outcomes');
}

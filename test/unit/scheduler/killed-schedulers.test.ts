import { describe, expect, test } from 'vitest';
import { isOutcome } from '#machines/facts.ts';
import { type LastFire, streamOfFire } from '#src/core/schedules/progress.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import type { FirePorts } from '#src/scheduler/fire/fire-ports.ts';
import { running, succeeded } from '#test/support/log/facts.ts';
import { MINUTE, openSchedule, START } from '#test/support/scheduler/checked-schedule.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';

/*
 * Three schedulers check one schedule with the policy `cancel`. Each call of a port takes some turns. A scheduler dies before a call or after it,
 * and another one takes its place; or it stands still for minutes, and goes on with what it read before. A worker starts and ends attempts.
 */

const SCHEDULERS = 3;
const MINUTES = 40;
const WORLDS = 100;

type World = ReturnType<typeof openSchedule> & { random: () => number; isOver: () => boolean };

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Checks the schedule until the world is over. A new scheduler takes the place of each one that died. */
async function runScheduler(world: World): Promise<void> {
  while (!world.isOver()) await new Promise<void>((resolve) => void check(resolve));

  async function check(onEnd: () => void): Promise<void> {
    const ports = mortalPorts(world, onEnd);
    while (!world.isOver()) {
      await world.check(ports);
      await turn();
    }
    onEnd();
  }
}

/** Ports whose calls may be the last ones of the process: the code after them never runs. */
function mortalPorts({ ports, random, clock, isOver }: World, onDeath: () => void): Partial<FirePorts> {
  const never = new Promise<never>(() => {});
  async function pass(): Promise<void> {
    for (let turns = Math.floor(random() * 3); turns > 0; turns--) await turn();
    if (isOver()) return;
    const kind = random();
    if (kind < 0.03) {
      onDeath();
      await never;
    }
    const end = clock.current + Math.floor(random() * 5 * MINUTE);
    if (kind > 0.97) while (clock.current < end && !isOver()) await turn();
  }
  const call = <Given extends unknown[], Answer>(perform: (...given: Given) => Promise<Answer>) => {
    return async (...given: Given): Promise<Answer> => {
      await pass();
      const answer = await perform(...given);
      await pass();
      return answer;
    };
  };
  const { log, state } = ports;
  return {
    log: { ...log, accept: call(log.accept), append: call(log.append), read: call(log.read), readRequest: call(log.readRequest) },
    state: { ...state, get: call(state.get), put: call(state.put) },
  };
}

/** Starts and ends attempts at random. */
async function runWorker({ random, isOver, requests, work, log }: World): Promise<void> {
  while (!isOver()) {
    await turn();
    if (random() < 0.9) continue;
    const request = requests().at(-Math.ceil(random() * 3));
    if (request === undefined) continue;
    const { invocation: id } = request;
    const fire: LastFire = { at: 0, id, function: 'report', sequence: sequenceOf(log, id) };
    const state = await loadStream(log, streamOfFire(fire), fire.sequence);
    const fact = { queued: running(1), running: succeeded(1) }[String(state?.invocations.get(fire.id)?.value) as 'queued' | 'running'];
    // A scheduler may cancel the invocation between the read and the append.
    if (fact !== undefined) await work(fire, [fact]).catch(() => {});
  }
}

function sequenceOf({ entries }: World['log'], id: string): number {
  const found = entries.find((entry) => entry.kind === 'request' && entry.message.requests.some(({ fact }) => fact.invocation === id));
  return found?.sequence ?? 0;
}

async function runWorld(seed: number): Promise<World> {
  let isOver = false;
  const opened = openSchedule({ cron: '* * * * *', timeZone: 'UTC', overlap: 'cancel', jitterInMs: seed % 2 === 0 ? 0 : 90_000 });
  const world: World = { ...opened, random: createSeededRandom(seed), isOver: () => isOver };
  const runs = [...Array.from({ length: SCHEDULERS }, () => runScheduler(world)), runWorker(world)];
  while (world.clock.current < START + MINUTES * MINUTE) {
    await turn();
    world.clock.current += Math.floor(world.random() * 8_000);
  }
  isOver = true;
  await Promise.all(runs);
  // The last scheduler stays alive, and fires the remaining times.
  world.clock.current += 2 * MINUTE;
  await world.check();
  return world;
}

type End = { sequence: number; message: string };

/** The outcomes in the log, by invocation. */
function endsIn({ entries }: World['log']): Map<string, End> {
  const ends = new Map<string, End>();
  for (const entry of entries) {
    if (entry.kind !== 'append') continue;
    for (const fact of entry.append.facts) {
      if (isOutcome(fact))
        ends.set(fact.invocation, { sequence: entry.sequence, message: fact.type === 'failed' ? fact.failure.message : '' });
    }
  }
  return ends;
}

/** The rules that the log and the progress of a world break, judged without the code of the scheduler. */
async function problemsOf({ log, requests, progress, clock }: World): Promise<{ problems: string[]; canceled: number; skipped: number }> {
  const problems: string[] = [];
  const expectThat = (holds: boolean, problem: string): unknown => holds || problems.push(problem);
  const fires = requests().map(({ invocation: id, schedule }) => ({ id, at: schedule?.at ?? 0, sequence: sequenceOf(log, id) }));
  const ends = endsIn(log);
  let canceled = 0;
  for (const [index, { id, at }] of fires.entries()) {
    const next = fires[index + 1];
    const { sequence, message } = ends.get(id) ?? { sequence: Number.POSITIVE_INFINITY, message: '' };
    const by = / at its fire time (\S+) /.exec(message)?.[1];
    if (by !== undefined) canceled++;
    // An invocation is cancelled by a later fire time alone. So nothing cancels the newest one.
    expectThat(by === undefined || (Date.parse(by) > at && Date.parse(by) <= clock.current), `${id} was cancelled by ${by}`);
    if (next === undefined) expectThat(by === undefined, `the newest one was cancelled by ${by}`);
    else expectThat(next.at > at && sequence < next.sequence, `${next.id} was requested too early`);
  }
  const { fired, skipped, firing, last, at } = await progress();
  const due = Math.floor((at - START) / MINUTE);
  expectThat(
    fired === fires.length && new Set(fires.map(({ id }) => id)).size === fired,
    `${fired} of ${fires.length} requests are counted`,
  );
  expectThat(fired + (skipped?.count ?? 0) === due, `${fired} fire times fired and ${skipped?.count} were skipped, of ${due}`);
  expectThat(firing === undefined && last?.id === fires.at(-1)?.id, 'the progress does not name the newest invocation');
  expectThat(at > clock.current - 5 * MINUTE, 'the schedule stands still');
  return { problems, canceled, skipped: skipped?.count ?? 0 };
}

describe('three schedulers that are killed at random, with the policy "cancel" (CRON7)', () => {
  test('request one invocation at each fire time that is not skipped, after the outcome of the one before', {
    timeout: 60_000,
  }, async () => {
    const total = { canceled: 0, skipped: 0 };
    for (let seed = 1; seed <= WORLDS; seed++) {
      const { problems, canceled, skipped } = await problemsOf(await runWorld(seed));
      expect(problems, `world ${seed}`).toEqual([]);
      total.canceled += canceled;
      total.skipped += skipped;
    }
    expect(total.canceled).toBeGreaterThan(5 * WORLDS);
    expect(total.skipped).toBeGreaterThan(WORLDS);
  });
});

import { describe, expect, test } from 'vitest';
import {
  type Follower,
  LOOK_EVERY_MS,
  type LogReplicas,
  MAX_ASKED,
  MAX_MOVED,
  MOVE_AGAIN_AFTER_MS,
  ReplicaLooks,
  type ReplicatedLog,
  watchLaggingReplicas,
} from '#src/nats/streams/queue/lagging-replicas.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';

const behindBy = (lag: number, given: Partial<Follower> = {}): Follower => ({
  name: 'n1',
  lag,
  isCurrent: lag === 0,
  isOffline: false,
  ...given,
});
const current: Follower = { name: 'n2', lag: 0, isCurrent: true, isOffline: false };
const logWith = (follower: Follower, given: Partial<ReplicatedLog> = {}): ReplicatedLog => ({
  leader: 'n0',
  lastSequence: 1_000,
  followers: [follower, current],
  ...given,
});

/** The lagging servers after each look. */
function laggingAt(...logs: readonly ReplicatedLog[]): string[][] {
  const looks = new ReplicaLooks();
  return logs.map((log) => looks.note(log).map(({ name }) => name));
}

describe('a replica of the log is lagging (CONS6)', () => {
  test('when it was behind at three looks in a row and came no nearer, until it is up to date', () => {
    const lags = [40, 40, 90, 90, 0, 90, 90];
    expect(laggingAt(...lags.map((lag) => logWith(behindBy(lag))))).toEqual([[], [], ['n1'], ['n1'], [], [], []]);
  });

  test('not while it comes nearer, however long that takes', () => {
    const lags = [4_000, 3_000, 2_500, 2_499, 1_200, 900, 3];
    expect(laggingAt(...lags.map((lag) => logWith(behindBy(lag)))).flat()).toEqual([]);
  });

  test('when it came nearer once and stands again', () => {
    const lags = [90, 90, 80, 80, 80];
    expect(laggingAt(...lags.map((lag) => logWith(behindBy(lag))))).toEqual([[], [], [], [], ['n1']]);
  });

  test('not when it is offline, because it leads no consumer then', () => {
    const looks = [1, 2, 3, 4].map((lag) => logWith(behindBy(lag, { isOffline: true })));
    expect(laggingAt(...looks).flat()).toEqual([]);
  });

  test('not when the leader calls it current', () => {
    expect(laggingAt(...[5, 6, 7, 8].map((lag) => logWith(behindBy(lag, { isCurrent: true })))).flat()).toEqual([]);
  });

  test('not when a busy log got more since the look before than the replica lacks', () => {
    const looks = [12, 15, 20, 31, 40].map((lag, look) => logWith(behindBy(lag), { lastSequence: look * 5_000 }));
    expect(laggingAt(...looks).flat()).toEqual([]);
  });

  test('when it lacks a thousand messages, however busy the log is', () => {
    const looks = [1_000, 1_500, 2_000, 2_500].map((lag, look) => logWith(behindBy(lag), { lastSequence: look * 100_000 }));
    expect(laggingAt(...looks)).toEqual([[], [], ['n1'], ['n1']]);
  });

  test('only by looks of one leader, because a new leader has heard of no replica yet', () => {
    const leaders = ['n0', 'n0', 'n2', 'n2', 'n2'];
    expect(laggingAt(...leaders.map((leader) => logWith(behindBy(9), { leader })))).toEqual([[], [], [], [], ['n1']]);
  });
});

type Planted = { log: ReplicatedLog | undefined; leaders: Map<string, string>; refusal?: string; onStepDown?: (consumer: string) => void };

/** Consumers of a process, whose leaders are planted, under virtual time. */
function plant({ log, consumers, leader = 'n1' }: { log: ReplicatedLog; consumers: number; leader?: string }) {
  const clock = createVirtualClock(0);
  const names = Array.from({ length: consumers }, (_, index) => `fn-f${index}`);
  const planted: Planted = { log, leaders: new Map(names.map((name) => [name, leader])) };
  const asked: string[] = [];
  const moved: [consumer: string, preferred: string][] = [];
  const problems: string[] = [];
  let reads = 0;
  const replicas: LogReplicas = {
    async read() {
      reads++;
      if (planted.log === undefined) throw new Error('no answer');
      return planted.log;
    },
    async leaderOf(consumer) {
      asked.push(consumer);
      return planted.leaders.get(consumer);
    },
    async stepDown(consumer, preferred) {
      planted.onStepDown?.(consumer);
      if (planted.refusal !== undefined) throw new Error(planted.refusal);
      moved.push([consumer, preferred]);
      planted.leaders.set(consumer, preferred);
    },
  };
  const watch = watchLaggingReplicas({ replicas, clock, onProblem: (problem) => void problems.push(problem) });
  const ends = names.map((name) => watch.add(name));
  const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  return {
    planted,
    moved,
    problems,
    ends,
    /** What was asked since the last call. */
    newlyAsked: () => asked.splice(0),
    reads: () => reads,
    async look(times = 1, everyMs = LOOK_EVERY_MS) {
      for (let left = times; left > 0; left--) {
        await settle();
        clock.moveTo(clock.now() + everyMs);
      }
      await settle();
    },
  };
}

const stuck = logWith(behindBy(229));

describe('the consumers of a process (CONS6)', () => {
  test('leave a lagging server for servers that are up to date, and the process says so once', async () => {
    const system = plant({ log: stuck, consumers: 2 });
    await system.look(1);
    expect(system.newlyAsked()).toEqual([]);
    await system.look(4);
    expect(system.moved).toEqual([
      ['fn-f0', 'n0'],
      ['fn-f1', 'n2'],
    ]);
    expect(system.problems).toEqual([
      'the replica of the log on the NATS server n1 stays behind (lag 229); consumers moved to another server: 2',
    ]);
  });

  test('stay where they are when another server leads them', async () => {
    const system = plant({ log: stuck, consumers: 2, leader: 'n2' });
    await system.look(10);
    expect([system.moved, system.problems]).toEqual([[], []]);
  });

  test('are asked for no more when the replica is up to date', async () => {
    const system = plant({ log: stuck, consumers: 2, leader: 'n2' });
    await system.look(2);
    expect(system.newlyAsked()).toEqual(['fn-f0', 'fn-f1']);
    system.planted.log = logWith(behindBy(0));
    await system.look(5);
    expect(system.newlyAsked()).toEqual([]);
  });

  test('are moved again after a pause only', async () => {
    const system = plant({ log: stuck, consumers: 1 });
    await system.look(2);
    system.planted.leaders.set('fn-f0', 'n1');
    await system.look(MOVE_AGAIN_AFTER_MS / LOOK_EVERY_MS - 1);
    expect(system.moved).toHaveLength(1);
    await system.look(1);
    expect(system.moved).toHaveLength(2);
  });

  test('are asked for and moved by a bounded number at each look, all of them in turn', async () => {
    const system = plant({ log: stuck, consumers: 2 * MAX_ASKED });
    await system.look(2);
    expect(system.moved).toHaveLength(MAX_MOVED);
    expect(system.newlyAsked().length).toBeLessThanOrEqual(MAX_ASKED);
    await system.look(1);
    expect(system.moved).toHaveLength(2 * MAX_MOVED);
    await system.look((2 * MAX_ASKED) / MAX_MOVED);
    expect(new Set(system.moved.map(([consumer]) => consumer)).size).toBe(2 * MAX_ASKED);
  });

  test('that stand elsewhere hide none that stands on the lagging server', async () => {
    const system = plant({ log: stuck, consumers: 3 * MAX_ASKED, leader: 'n2' });
    system.planted.leaders.set(`fn-f${3 * MAX_ASKED - 1}`, 'n1');
    await system.look(4);
    expect(system.moved.map(([consumer]) => consumer)).toEqual([`fn-f${3 * MAX_ASKED - 1}`]);
  });

  test('that ended are asked for no more, and without any the log is not asked', async () => {
    const system = plant({ log: stuck, consumers: 2, leader: 'n2' });
    await system.look(1);
    system.ends[0]?.();
    await system.look(1);
    expect(system.newlyAsked()).toEqual(['fn-f1']);
    system.ends[1]?.();
    const reads = system.reads();
    await system.look(10);
    expect(system.reads()).toBe(reads);
  });

  test('that cannot be moved are named once, with the reason', async () => {
    const system = plant({ log: stuck, consumers: 2 });
    system.planted.refusal = 'no permission';
    await system.look(20);
    expect(system.problems).toEqual([
      'the replica of the log on the NATS server n1 stays behind (lag 229); consumers that could not be moved: 2 (no permission)',
    ]);
  });

  test('that another process moves at the same moment are no problem', async () => {
    const system = plant({ log: stuck, consumers: 1 });
    system.planted.refusal = 'preferred server "n0" is already leader';
    system.planted.onStepDown = (consumer) => void system.planted.leaders.set(consumer, 'n0');
    await system.look(10);
    expect(system.problems).toEqual([]);
  });

  test('stay when a look in between had no answer', async () => {
    const system = plant({ log: stuck, consumers: 1 });
    await system.look(1);
    system.planted.log = undefined;
    await system.look(1);
    system.planted.log = stuck;
    await system.look(2);
    expect(system.moved).toEqual([]);
    await system.look(1);
    expect(system.moved).toHaveLength(1);
  });

  test('cost one question a minute while the log has one replica', async () => {
    const system = plant({ log: { leader: '', lastSequence: 1, followers: [] }, consumers: 3 });
    await system.look(12);
    expect(system.reads()).toBe(2);
    expect(system.newlyAsked()).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogEntry, StreamName, WakeTimes } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';

const PATIENCE = 100;

const name = (stream: string, fn = 'orders'): StreamName => ({ function: fn as FunctionName, stream: stream as StreamId });
const request = (sequence: number, at: number, stream = 's', fn = 'orders'): LogEntry => ({
  kind: 'request',
  sequence,
  at,
  name: name(stream, fn),
  size: 10,
});
const append = (sequence: number, at: number, wakeTimes: WakeTimes, stream = 's'): LogEntry => ({
  kind: 'append',
  sequence,
  at,
  name: name(stream),
  wakeTimes,
});

function openStreams(...entries: LogEntry[]): OpenStreams {
  const open = new OpenStreams({
    patienceInMs: PATIENCE,
    unknownGraceInMs: 10,
    maxAgeOf: (fn) => ({ orders: 60_000, hasty: 30 })[fn as string],
  });
  for (const entry of entries) open.fold(entry);
  return open;
}

const dueAt = (open: OpenStreams, now: number): string | undefined => open.takeDue(now)?.name.stream;

describe('the open streams', () => {
  test('count the bytes of their requests, until they settle', () => {
    const open = openStreams(request(1, 0, 'one'), request(2, 0, 'two'), request(3, 0, 'one'), append(4, 0, { dueAt: 50 }, 'one'));
    expect([open.requestBytes, open.next]).toEqual([20, 5]);
    open.fold(append(5, 0, {}, 'one'));
    const two = open.takeDue(1_000);
    if (two === undefined) throw new Error('no stream is due');
    open.remove(two);
    expect([open.requestBytes, open.size]).toEqual([0, 0]);
  });

  test('hold a delayed request from its acceptance on, due when it says, also without a known function', () => {
    const open = openStreams(
      { ...request(1, 1_000), dueAt: 90_000 } as LogEntry,
      { ...request(2, 1_000, 'o', 'none'), dueAt: 80_000 } as LogEntry,
    );
    expect([open.size, open.floor, dueAt(open, 79_999)]).toEqual([2, 1, undefined]);
    expect([dueAt(open, 80_000), dueAt(open, 89_999), dueAt(open, 90_000)]).toEqual(['o', undefined, 's']);
  });

  test('hold a request from its acceptance on, due when the patience is over', () => {
    const open = openStreams(request(1, 1_000));
    expect(dueAt(open, 1_099)).toBeUndefined();
    expect(dueAt(open, 1_100)).toBe('s');
  });

  test('are due when a request becomes too old, and after a grace for an unknown function', () => {
    expect(dueAt(openStreams(request(1, 1_000, 's', 'hasty')), 1_030)).toBe('s');
    expect(dueAt(openStreams(request(1, 1_000, 's', 'ghost')), 1_010)).toBe('s');
    expect(dueAt(openStreams(request(1, 1_000, 's', 'ghost')), 1_009)).toBeUndefined();
  });

  test.for<[string, WakeTimes, number]>([
    ['a retry is due', { dueAt: 1_500, endsAt: 9_000 }, 1_500],
    ['it becomes too old before its retry is due', { dueAt: 1_500, endsAt: 1_400 }, 1_400],
    ['a delivery is due', { deliverAt: 1_050 }, 1_050],
    ['a process works on it for longer than the patience', { inProgressSince: 900 }, 1_110],
    ['of its invocations one runs and one is due sooner', { inProgressSince: 900, dueAt: 1_050, endsAt: 9_000 }, 1_050],
  ])('are due again when %s', ([, wakeTimes, at]) => {
    const open = openStreams(request(1, 1_000), append(2, 1_010, wakeTimes));
    expect(dueAt(open, at - 1)).toBeUndefined();
    expect(dueAt(open, at)).toBe('s');
  });

  test('remove a stream without wake times, even if it was scheduled before', () => {
    const open = openStreams(request(1, 1_000), append(2, 1_010, { inProgressSince: 1_010 }), append(3, 1_020, {}));
    expect(open.size).toBe(0);
    expect(dueAt(open, 1e9)).toBeUndefined();
  });

  const linked = (sequence: number, at: number, wakeTimes: WakeTimes, link: string): LogEntry => {
    const [previous = '', own = ''] = link.split('/');
    return { ...append(sequence, at, wakeTimes), link: { previous, own } } as LogEntry;
  };
  const held = { inProgressSince: 1_010 };

  test('remove a stream by an append that follows the last one', () => {
    expect(openStreams(request(1, 1_000), linked(2, 1_010, held, 'root/a'), linked(3, 1_020, {}, 'a/b')).size).toBe(0);
  });

  test('inspect a stream when an append does not follow the last one (LINK2)', () => {
    const open = openStreams(request(1, 1_000), linked(2, 1_010, { dueAt: 9_000 }, 'root/a'), linked(3, 1_020, {}, 'lost/b'));
    expect(dueAt(open, 1_119)).toBeUndefined();
    const stream = open.takeDue(1_120);
    expect(stream).toMatchObject({ version: 3, dueAt: 9_000 });
    if (stream !== undefined) open.remove(stream);
    expect(open.size).toBe(0);
  });

  test('inspect a stream once that its first append would remove, because headers do not prove the request', () => {
    const open = openStreams(request(1, 1_000), linked(2, 1_010, {}, 'root/a'));
    expect(dueAt(open, 1_100)).toBe('s');
    expect(openStreams(linked(2, 1_010, {}, 'root/a')).size).toBe(0);
  });

  test('forget everything when the log went backwards', () => {
    const open = openStreams(request(1, 1_000), request(2, 1_000, 'lost'), request(1, 1_000));
    expect([...open.values()].map(({ name: known }) => known)).toEqual([name('s')]);
  });

  test('contain streams whose request was before the sequence that the fold started from', () => {
    const open = openStreams(append(7, 1_000, { dueAt: 1_500 }));
    expect(open.find(name('s'))).toMatchObject({ request: undefined, version: 7 });
    expect(open.floor).toBe(1);
  });

  test('keep the first of two requests of one id', () => {
    const open = openStreams(request(1, 1_000), request(5, 1_050));
    expect(open.find(name('s'))?.request).toBe(1);
    expect(open.size).toBe(1);
  });

  test('have the oldest open request as their floor, or the next sequence when none is open', () => {
    const open = openStreams(request(1, 0, 'a'), request(4, 0, 'b'), { kind: 'hint', sequence: 9, at: 0 });
    expect(open.floor).toBe(1);
    open.fold(append(10, 0, {}, 'a'));
    expect(open.floor).toBe(4);
    open.fold(append(11, 0, {}, 'b'));
    expect(open.floor).toBe(12);
  });

  test('are not delayed by an inspection that started before the newest append', () => {
    const open = openStreams(request(1, 1_000), append(2, 1_010, { inProgressSince: 1_010 }));
    const looked = open.takeDue(2_000);
    if (looked === undefined) throw new Error('nothing is due');
    open.fold(append(3, 2_001, { dueAt: 2_050, endsAt: 60_000 }));
    open.inspectAgain(looked, 5_000);
    expect(dueAt(open, 2_050)).toBe('s');
  });

  test('keep a stream that got a new append during its inspection', () => {
    const open = openStreams(request(1, 1_000));
    const looked = open.takeDue(2_000);
    if (looked === undefined) throw new Error('nothing is due');
    open.fold(append(3, 2_001, { deliverAt: 2_050 }));
    open.remove(looked);
    expect(dueAt(open, 2_050)).toBe('s');
  });

  test('behave as a list that is searched each time, for every order of events', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const open = openStreams();
        const model = new Model();
        for (const [index, step] of steps.entries()) {
          perform(step, { open, model, sequence: index + 1 });
          expect([...open.values()].map(({ name: known, checkAt }) => [known.stream, checkAt]).sort()).toEqual([...model.checks].sort());
        }
      }),
      { numRuns: 300 },
    );
  });
});

const stream = fc.constantFrom('a', 'b', 'c');
const moment = fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined });
const anyStep = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('request' as const), stream }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      stream,
      wakeTimes: fc.record({ dueAt: moment, endsAt: moment, deliverAt: moment, inProgressSince: moment }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const), after: fc.integer({ min: 0, max: 80 }), again: moment }) },
);
type Step = typeof anyStep extends fc.Arbitrary<infer Value> ? Value : never;

/** The naive open streams: when each is due. */
class Model {
  readonly checks = new Map<string, number>();
  now = 0;

  append(key: string, { dueAt: due, endsAt, deliverAt, inProgressSince }: Record<string, number | undefined>): void {
    const heldUntil = inProgressSince === undefined ? undefined : this.now + PATIENCE;
    if ((due ?? deliverAt ?? inProgressSince) === undefined) this.checks.delete(key);
    else this.checks.set(key, Math.min(...[due, endsAt, deliverAt, heldUntil].filter((at) => at !== undefined)));
  }

  isDue(key: string | undefined): boolean {
    return key === undefined
      ? ![...this.checks.values()].some((at) => at <= this.now)
      : (this.checks.get(key) ?? Number.POSITIVE_INFINITY) <= this.now;
  }
}

function perform(step: Step, { open, model, sequence }: { open: OpenStreams; model: Model; sequence: number }): void {
  switch (step.do) {
    case 'request':
      open.fold(request(sequence, model.now, step.stream));
      if (!model.checks.has(step.stream)) model.checks.set(step.stream, model.now + PATIENCE);
      return;
    case 'append': {
      const wakeTimes = Object.fromEntries(Object.entries(step.wakeTimes).filter(([, at]) => at !== undefined));
      open.fold(append(sequence, model.now, wakeTimes, step.stream));
      return model.append(step.stream, step.wakeTimes);
    }
    case 'take': {
      model.now += step.after;
      const taken = open.takeDue(model.now);
      expect(model.isDue(taken?.name.stream)).toBe(true);
      if (taken === undefined) return;
      model.checks.set(taken.name.stream, step.again ?? Number.POSITIVE_INFINITY);
      if (step.again !== undefined) open.inspectAgain(taken, step.again);
    }
  }
}

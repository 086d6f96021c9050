import { describe, expect, test } from 'vitest';
import { createExecutionSlots, type ExecutionSlots } from '#src/worker/slots/execution-slots.ts';
import { WorkerSlots } from '#src/worker/slots/worker-slots.ts';

type Weights = Readonly<Record<string, number>>;

function open(size: number, weights: Weights = {}): WorkerSlots {
  return new WorkerSlots({ size, weightOf: (project = 'own') => weights[project] ?? 1 });
}

/** A function with requests without end: each execution that ends makes place for the next one. */
class Busy {
  readonly slots: ExecutionSlots;
  readonly project: string;
  started = 0;

  constructor(shared: WorkerSlots, project: string, concurrency = 100) {
    this.project = project;
    this.slots = createExecutionSlots(concurrency, () => {}, { slots: shared, project });
  }

  /** Takes a slot, now or when it is the turn of the function. */
  async ask(): Promise<void> {
    if (!this.slots.tryAcquire()) await this.slots.acquire();
    this.started++;
  }
}

/** Ends executions one after another: of the function that has the most. Each function asks again at once. */
async function run(functions: readonly Busy[], executions: number): Promise<void> {
  for (const one of functions) for (let index = 0; index < 20; index++) void one.ask();
  await Promise.resolve();
  for (const one of functions) one.started = 0;
  for (let ended = 0; ended < executions; ended++) {
    const next = functions.reduce((most, one) => (one.slots.held > most.slots.held ? one : most));
    next.slots.release();
    void next.ask();
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe('the slots of a worker', () => {
  test('are never more than its limit, whatever the concurrencies of its functions are', async () => {
    const shared = open(5);
    const functions = ['a', 'b', 'c'].map((project) => new Busy(shared, project));
    await run(functions, 500);
    expect([shared.held, functions.reduce((sum, { slots }) => sum + slots.held, 0)]).toEqual([5, 5]);
  });

  test('go to a project that begins to wait with the next execution that ends, whatever waits before it', async () => {
    const shared = open(4);
    const full = new Busy(shared, 'full');
    for (let index = 0; index < 50; index++) void full.ask();
    const other = new Busy(shared, 'other');
    void other.ask();
    full.slots.release();
    await Promise.resolve();
    expect([other.slots.held, full.slots.held, shared.held]).toEqual([1, 3, 4]);
  });

  test('are shared by the weights of the projects, and in a project by its functions in turn', async () => {
    const shared = open(8, { gold: 3 });
    const functions = [new Busy(shared, 'gold'), new Busy(shared, 'iron'), new Busy(shared, 'iron')];
    await run(functions, 4_000);
    const [gold = 0, first = 0, second = 0] = functions.map(({ started }) => started);
    expect(gold / 4_000).toBeCloseTo(0.75, 1);
    expect(first / 4_000).toBeCloseTo(0.125, 1);
    expect(Math.abs(first - second)).toBeLessThanOrEqual(2);
  });

  test('are all usable by one project while no other waits, and an idle project saves nothing for later', async () => {
    const shared = open(4);
    const busy = new Busy(shared, 'busy');
    await run([busy], 1_000);
    expect(busy.slots.held).toBe(4);
    const late = new Busy(shared, 'late');
    const functions = [busy, late];
    for (let index = 0; index < 20; index++) void late.ask();
    busy.started = 0;
    for (let ended = 0; ended < 40; ended++) {
      const next = functions.reduce((most, one) => (one.slots.held > most.slots.held ? one : most));
      next.slots.release();
      await Promise.resolve();
      await Promise.resolve();
      void next.ask();
    }
    expect(Math.abs(busy.started - late.started)).toBeLessThanOrEqual(4);
  });

  test('pass on a turn that a function cannot use, because it was closed or got a lower concurrency', async () => {
    const shared = open(1);
    const [first, closed, smaller, last] = ['a', 'b', 'c', 'd'].map((project) => new Busy(shared, project)) as [Busy, Busy, Busy, Busy];
    await first.ask();
    for (const one of [closed, smaller, last]) void one.ask();
    closed.slots.close();
    smaller.slots.resize(0);
    first.slots.release();
    await Promise.resolve();
    expect([closed.slots.held, smaller.slots.held, last.slots.held, shared.held]).toEqual([0, 0, 1, 1]);
  });

  test('leave each function without a slot the demand for one item, so that it learns of its work', () => {
    const shared = open(2);
    const [one, other] = ['a', 'b'].map((project) => createExecutionSlots(10, () => {}, { slots: shared, project })) as [
      ExecutionSlots,
      ExecutionSlots,
    ];
    expect([one.free, other.free]).toEqual([2, 2]);
    one.tryAcquire();
    one.tryAcquire();
    expect([one.free, other.free]).toEqual([1, 1]);
  });
});

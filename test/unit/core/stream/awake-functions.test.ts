import { describe, expect, test } from 'vitest';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { AwakeFunctions } from '#src/core/stream/awake-functions.ts';
import type { WorkConsumers } from '#src/core/stream/work-consumers.ts';

const NAME = 'hello' as FunctionName;
/** A removal and the opening after it take fewer steps. */
const STEPS = 14;
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** The items of one function in the log, and its consumer. `acknowledged`: the sequence up to which the consumer knows all as acknowledged. */
class Server {
  readonly items: number[] = [];
  consumer: { acknowledged: number } | undefined;
  saved = 0;

  /** Whether the newest item is acknowledged, or a consumer delivers it. */
  get isServed(): boolean {
    const newest = this.items.at(-1) ?? 0;
    return newest <= this.saved || (this.consumer !== undefined && this.consumer.acknowledged < newest);
  }
}

/** `before` is called before each step of the process, with its number. The step at which the process dies, and all later ones, have no answer. */
function connect(
  server: Server,
  { diesAt = Number.POSITIVE_INFINITY, before = (_: number): void | Promise<void> => {} } = {},
): WorkConsumers {
  let count = 0;
  async function step<Answer>(action: () => Answer): Promise<Answer> {
    const number = ++count;
    const isAfter = before(number);
    if (number >= diesAt) await new Promise(() => {});
    const answer = action();
    await isAfter;
    return answer;
  }
  return {
    list: () => step(() => new Set(server.consumer === undefined ? [] : [NAME])),
    find: () =>
      step(() => (server.consumer === undefined ? undefined : { floor: server.consumer.acknowledged, newest: { sequence: 99, at: 1 } })),
    newestItem: () => step(() => server.items.at(-1) ?? 0),
    readFloor: () => step(() => server.saved),
    saveFloor: (_, { floor }) =>
      step(() => {
        server.saved = floor;
      }),
    create: (_, floor) =>
      step(() => {
        server.consumer ??= { acknowledged: floor };
      }),
    delete: () =>
      step(() => {
        server.consumer = undefined;
      }),
    hint: () => {},
    onHint: () => {},
    isCovered: async () => true,
    answerCovered: () => {},
  };
}

function open(consumers: WorkConsumers): AwakeFunctions {
  const clock = { now: () => 1_000, sleep: () => new Promise<void>(() => {}) };
  const given = { clock, logger: silentLogger, signal: new AbortController().signal, idleAfterInMs: -1 };
  return new AwakeFunctions({ ...given, consumers, exists: () => true, keeps: () => false });
}

const itemAt = (sequence: number) => ({
  kind: 'request' as const,
  name: { function: NAME, stream: 's' as StreamId },
  sequence,
  at: 1,
  size: 1,
});

/** All promises that can settle are settled then. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 300; turn++) await Promise.resolve();
}

/** A server whose consumer has the item 1 acknowledged. */
function idleServer(): Server {
  const server = new Server();
  server.items.push(1);
  server.consumer = { acknowledged: 1 };
  return server;
}

describe('a function without a consumer', () => {
  test('gets one for an item that is read while an older, acknowledged one is looked up (CONS1)', async () => {
    for (const isRead of numbers(1, STEPS)) {
      const server = new Server();
      server.items.push(1);
      server.saved = 1;
      const consumers = connect(server, {
        async before(number) {
          if (number !== isRead) return;
          // The log has the item only when the answer to this step is on its way.
          await Promise.resolve();
          server.items.push(2);
          awake.fold(itemAt(2));
        },
      });
      const awake: AwakeFunctions = open(consumers);
      awake.fold(itemAt(1));
      await settle();
      if (server.items.length === 1) break;
      expect([server.isServed, server.consumer], `read at step ${isRead}`).toEqual([true, { acknowledged: 1 }]);
    }
  });
});

describe('the consumer of an idle function', () => {
  test('is removed, and its floor is saved before (CONS3)', async () => {
    const server = idleServer();
    const awake = open(connect(server));
    awake.fold(itemAt(1));
    await settle();
    await awake.removeAllIdle();
    expect([server.consumer, server.saved]).toEqual([undefined, 1]);
  });

  test('stays while an item is not acknowledged (CONS3)', async () => {
    const server = idleServer();
    server.items.push(2);
    const awake = open(connect(server));
    awake.fold(itemAt(2));
    await settle();
    await awake.removeAllIdle();
    expect([server.consumer, server.saved]).toEqual([{ acknowledged: 1 }, 0]);
  });

  test.for(numbers(1, STEPS))('serves an item that arrives before step %i of its removal, whenever the item is read', async (arrives) => {
    for (const isRead of numbers(arrives, STEPS + 1)) {
      const server = idleServer();
      let readAt = 0;
      const read = (number: number): void => {
        readAt = number;
        awake.fold(itemAt(2));
      };
      const consumers = connect(server, {
        before(number) {
          if (number === arrives) server.items.push(2);
          if (number === isRead) read(number);
        },
      });
      const awake: AwakeFunctions = open(consumers);
      awake.fold(itemAt(1));
      await settle();
      await awake.removeAllIdle();
      // Fewer steps were needed than the item waits for.
      if (server.items.length === 1) server.items.push(2);
      if (readAt === 0) read(STEPS);
      await settle();
      expect(server.isServed, `read before step ${isRead}`).toBe(true);
    }
  });

  test.for(numbers(1, STEPS))('serves an item although its scheduler dies at step %i: the next one, and one beside it', async (diesAt) => {
    for (const arrives of numbers(1, diesAt)) {
      for (const successor of ['reads the log', 'lists the consumers'] as const) {
        const server = idleServer();
        const other = open(connect(server));
        other.fold(itemAt(1));
        await settle();
        const dying = open(
          connect(server, {
            diesAt,
            before: (number) => {
              if (number === arrives) server.items.push(2);
            },
          }),
        );
        dying.fold(itemAt(1));
        await settle();
        void dying.removeAllIdle();
        await settle();
        if (server.items.length === 1) server.items.push(2);
        // The item was read while the consumer was there.
        if (successor === 'lists the consumers') {
          other.fold(itemAt(2));
          await settle();
          await other.look();
        } else open(connect(server)).fold(itemAt(2));
        await settle();
        expect(server.isServed, `arrives before step ${arrives}; another scheduler ${successor}`).toBe(true);
      }
    }
  });
});

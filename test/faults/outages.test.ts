import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { BUDGET_IN_MS, type OutageSystem, startOutageSystem } from '#test/support/nats/outage-system.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const BATCHES = 60;
/** Longer than the budget in which an append, a read or a result is repeated. */
const OUTAGE_IN_MS = 3 * BUDGET_IN_MS;
/** A publish to a server that holds its connection is unknown after 5 s. */
const SILENCE_IN_MS = 5_000 + OUTAGE_IN_MS;

type Outage = {
  begin(server: TestServer, system: OutageSystem): Promise<void>;
  end(server: TestServer, system: OutageSystem): Promise<void>;
};

const outages: Record<string, Outage> = {
  'a nats-server that is killed for longer than every budget': {
    begin: (server) => server.kill(),
    async end(server) {
      await systemClock.sleep(OUTAGE_IN_MS);
      await server.restart();
    },
  },
  'a nats-server that holds its connections and answers nothing': {
    begin: async (server) => server.pause(),
    async end(server) {
      await systemClock.sleep(SILENCE_IN_MS);
      server.resume();
    },
  },
  'a log that is full for longer than every budget': {
    begin: (_, system) => system.fillLog(),
    async end(_, system) {
      await systemClock.sleep(OUTAGE_IN_MS);
      await system.limitLog({ max_bytes: -1 });
    },
  },
  'a log that refuses every append for longer than every budget': {
    begin: (_, system) => system.limitLog({ max_msg_size: 1 }),
    async end(_, system) {
      await systemClock.sleep(OUTAGE_IN_MS);
      await system.limitLog({ max_msg_size: -1 });
    },
  },
};

describe('a worker, destinations and a scheduler', () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  let receiver: Receiver;
  beforeAll(async () => {
    process.on('unhandledRejection', onUnhandled);
    // Slow enough that deliveries wait for a slot, and that executions and deliveries are under way when the outage begins.
    receiver = await openReceiver((response) => void setTimeout(() => response.writeHead(200).end(), 100));
  });
  afterAll(async () => {
    process.off('unhandledRejection', onUnhandled);
    await receiver[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    unhandled.length = 0;
  });

  test.for(Object.entries(outages))(
    'survive %s, and each invocation has one outcome and one end',
    {
      timeout: 120_000,
    },
    async ([, outage]) => {
      await using server = await startTestServer();
      await using system = await startOutageSystem(server.url, receiver);
      const ids = await system.accept(BATCHES);
      await system.underWay();
      await outage.begin(server, system);
      await outage.end(server, system);
      await system.allNotified(ids);

      const { facts, problems } = await foldWholeLog(system.ports.log);
      expect(unhandled).toEqual([]);
      expect(problems, INVARIANT).toEqual([]);
      expect(
        ids.flatMap((id) => findLifeProblems(id, facts.get(id) ?? [])),
        INVARIANT,
      ).toEqual([]);
      // The outage was longer than the budgets: work was given up, and done again.
      expect(system.complaints).toContain('the work on a stream was given up until its next delivery');
    },
  );
});

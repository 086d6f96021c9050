import { describe, expect, inject, test } from 'vitest';
import type { Clock } from '#src/core/ports/clock.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { openServerClock, type ServerClockOptions } from '#src/nats/transport/server-clock.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

const HOUR_IN_MS = 3_600_000;

/** A clock on a connection of its own. The local clock is ahead of the server's by `aheadInMs`. */
async function openShifted(aheadInMs: number, options: ServerClockOptions = {}) {
  const nats = await openNats(inject('natsUrl'));
  const problems: string[] = [];
  const local = { wall: () => Date.now() + aheadInMs, monotonic: () => performance.now() };
  const clock = await openServerClock(nats.connection, { ...options, local, onProblem: (problem) => problems.push(problem) });
  return {
    clock,
    problems,
    async [Symbol.asyncDispose]() {
      clock.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}

/** The median of some readings, because the process may be suspended between two readings. The test and the server share a clock. */
function errorOf(clock: Clock): number {
  const errors = Array.from({ length: 99 }, () => Math.abs(clock.now() - Date.now()));
  return errors.sort((one, other) => one - other)[49] ?? Number.NaN;
}

describe('the clock of the server', () => {
  test.for([HOUR_IN_MS, -HOUR_IN_MS])('is right on a machine that is %d ms ahead, which is reported', async (aheadInMs) => {
    await using opened = await openShifted(aheadInMs);
    const { aheadInMs: measured = 0, uncertaintyInMs = 0 } = opened.clock.offset ?? {};
    expect(errorOf(opened.clock)).toBeLessThanOrEqual(uncertaintyInMs + 2);
    expect(Math.abs(measured - aheadInMs)).toBeLessThanOrEqual(uncertaintyInMs + 5);
    expect(opened.problems).toEqual([expect.stringMatching(/of the NATS server's|behind the NATS server's/)]);
    expect(opened.clock.isWithinLimit).toBe(true);
  });

  test('is exactly the local clock, when that is right', async () => {
    await using opened = await openShifted(0);
    expect(errorOf(opened.clock)).toBeLessThanOrEqual(1);
    expect(opened.problems).toEqual([]);
  });

  test('permits no work beyond the limit, and any offset without a limit', async () => {
    await using limited = await openShifted(2 * HOUR_IN_MS, { limitInMs: HOUR_IN_MS });
    await using unlimited = await openShifted(1_000 * HOUR_IN_MS, { limitInMs: undefined });
    expect([limited.clock.isWithinLimit, unlimited.clock.isWithinLimit]).toEqual([false, true]);
    expect(limited.problems).toEqual([expect.stringMatching(/the limit \(--clock-limit\) is 1 h: this process takes no work/)]);
  });

  test('permits no work until the server has answered with its time', async () => {
    await using server = await startTestServer();
    const connection = await openConnection({ servers: server.url });
    const problems: string[] = [];
    // The server has no log yet, so nothing answers the question.
    const clock = await openServerClock(connection, { onProblem: (problem) => problems.push(problem) });
    expect([clock.offset, clock.isWithinLimit]).toEqual([undefined, false]);
    expect(problems).toEqual([expect.stringContaining('takes no work until the server does')]);
    await using nats = await openNats(server.url);
    await expect.poll(() => clock.isWithinLimit).toBe(true);
    expect(nats.ports.clock.isWithinLimit).toBe(true);
    clock.close();
    await connection.close();
  });
});

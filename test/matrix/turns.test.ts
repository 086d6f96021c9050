import { describe, expect, test } from 'vitest';
import { largePlansFor, type Plan, turnKinds } from '#test/simulate/plan.ts';
import { runWorld } from '#test/simulate/world.ts';

/* The default tests simulate the kind with crashes (`test/simulate/simulate.test.ts`). */
const kinds = turnKinds.filter((kind) => kind !== 'crashing');

describe('1,000 functions that become idle and busy in turns for an hour', () => {
  test.for(kinds)('lose nothing, and each request ends in time: %s (CONS1 to CONS5)', { timeout: 600_000 }, async (kind) => {
    const { problems, tookInMs } = await runWorld(largePlansFor(1).get(`turns-${kind}`) as Plan);
    expect(problems).toEqual([]);
    expect(tookInMs).toBeGreaterThan(3_500_000);
  });
});

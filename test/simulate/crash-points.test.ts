import { expect, test } from 'vitest';
import { crashPlanFor } from './plan.ts';
import { runWorld } from './world.ts';

const SEED = 1;
/** How many writes of each kind are crash points: the first ones. */
const OF_EACH_KIND = 3;

/** The write without the ids in it, and whether a role or an operator makes it. */
function kindOf(where: string): string {
  const [, process = '', call = ''] = /^(\S+) (.*)$/.exec(where) ?? [];
  const by = /^(?:sender|opener)/.test(process) ? 'operator' : 'role';
  const what = call
    .replace(/^append \S+ after \S+: /, 'append ')
    .replace(/^accept ([a-z]+)\S*/, 'accept $1')
    .replace(/^put ([a-z]+).*/, 'put $1')
    .replace(/ of [^,]+/g, '');
  return `${by}: ${what}`;
}

test('a process that dies after any kind of write leaves no half of a pair (RDR1, D1, FAN1, CRON3, E4)', { timeout: 600_000 }, async () => {
  const whole = await runWorld(crashPlanFor(SEED, 0));
  expect(whole.problems).toEqual([]);
  const points = new Map<string, number[]>();
  for (const [index, where] of whole.writes.entries()) {
    const known = points.get(kindOf(where)) ?? [];
    if (known.length < OF_EACH_KIND) points.set(kindOf(where), [...known, index + 1]);
  }
  // The pairs that the world must have.
  for (const pair of [
    'operator: append redriven',
    'operator: append batch.sealed',
    'role: accept billing',
    'role: put scheduler',
    'role: append debounce.closed',
  ])
    expect([...points.keys()]).toContainEqual(expect.stringContaining(pair));
  const problems: string[] = [];
  for (const [kind, numbers] of points)
    for (const number of numbers) {
      const result = await runWorld(crashPlanFor(SEED, number));
      if (result.faults.length !== 1) problems.push(`${kind} (${number}): no process died`);
      for (const problem of result.problems) problems.push(`${kind} (${number}): ${problem}`);
    }
  process.stdout.write(`crash points: ${[...points].map(([kind, numbers]) => `${kind} ${numbers.join(' ')}`).join('\n  ')}\n`);
  expect(problems).toEqual([]);
});

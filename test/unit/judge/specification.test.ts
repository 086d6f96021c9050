import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readEvidence } from '#test/judge/recorded.ts';
import { validate } from '#test/specification/validate.ts';
import { faultsOfLogs } from '#test/support/judge/faults.ts';
import { plant } from '#test/support/judge/plant.ts';

const fileOf = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname;
const recorded = ['every-kind', 'storm'].map((name) => readEvidence(fileOf(`judge/recorded/${name}.jsonl`)));

describe('a log that is read by the specification', () => {
  test('is a trace when the product wrote it', () => {
    for (const { log } of recorded) expect(validate(log)).toEqual([]);
  });

  // What one invocation may do is in the specification, and not whom the leader of its group names.
  const ofOneLife = faultsOfLogs.filter(({ fault }) => fault !== 'a leader that does not name its member');
  test.for(ofOneLife)('is refused with $fault', ({ plant: fault }) => {
    for (const evidence of recorded.slice(0, 1)) expect(validate(plant(evidence, fault).log)).not.toEqual([]);
  });

  test('has at least twelve planted faults', () => expect(ofOneLife.length).toBeGreaterThanOrEqual(12));
});

test('the translation is that of the present specification: npm run specify -- --write', () => {
  const hash = createHash('sha256')
    .update(readFileSync(fileOf('specification/life.qnt')))
    .digest('hex');
  expect(readFileSync(fileOf('../src/analysis/verify/life.generated.ts'), 'utf8')).toContain(hash);
});

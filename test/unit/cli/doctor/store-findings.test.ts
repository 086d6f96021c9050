import { expect, test } from 'vitest';
import type { Examined } from '#src/cli/commands/doctor/examined.ts';
import { judgeRefusals } from '#src/cli/commands/doctor/stream-findings.ts';
import { inLanguage } from '#src/core/text/language.ts';
import { englishIn } from '#test/support/cli/english.ts';

const refused = {
  instance: 'i',
  roles: ['worker'],
  version: '1',
  host: 'h',
  pid: 7,
  startedAt: 0,
  logRefusal: 'full',
  logRefusedAt: 1_000,
};
const foundAt = (now: number, store: NonNullable<Examined['store']>) => judgeRefusals({ instances: [refused], store }, now);

test('the doctor forgets the refusal of a process after a minute when the log stores a message', () => {
  expect(foundAt(61_000, { kind: 'stored' })).toMatchObject([{ level: 'problem' }]);
  expect(foundAt(61_001, { kind: 'stored' })).toEqual([]);
  expect(foundAt(61_001, { kind: 'forbidden' })).toMatchObject([{ level: 'problem' }]);
});

test('the doctor does not claim that NATS stores when its user may not write', () => {
  const found = judgeRefusals({ store: { kind: 'forbidden' } }, 0);
  expect(found).toMatchObject([{ level: 'note', seen: expect.stringMatching(/unknown/) }]);
});

test('the doctor says in Chinese that a stream refused its message', () => {
  for (const isFull of [true, false]) {
    const store = { kind: 'refused', stream: 'INVOCATIONS', bytes: 262_144, why: '原因', isFull } as const;
    const [found] = inLanguage('zh-CN', () => judgeRefusals({ store }, 0));
    expect(englishIn(found?.seen ?? '')).toEqual([]);
  }
});

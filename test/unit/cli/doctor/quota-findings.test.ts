import { describe, expect, test } from 'vitest';
import type { Examined } from '#src/cli/commands/doctor/examined.ts';
import { judgeQuotas } from '#src/cli/commands/doctor/findings.ts';

const judge = (quotas: Examined['quotas']) => judgeQuotas({ quotas } as Examined);

describe('the findings about quotas', () => {
  test('name each project that has as many open invocations as its quota allows, and sum up the others', () => {
    const quotas = [
      { project: 'shop', open: 10, limit: 10 },
      { project: undefined, open: 0, limit: 0 },
      { project: 'desk', open: 9, limit: 10 },
    ];
    expect(judge(quotas)).toEqual([
      { level: 'ok', check: 'quotas', seen: '1 quota of open invocations is not reached' },
      {
        level: 'problem',
        check: 'quota of shop',
        seen: '10 invocations are open; the quota is 10, so its requests over HTTP are refused',
        remedy: expect.stringContaining('sequent project quota'),
      },
      expect.objectContaining({ level: 'problem', check: 'quota of the own project' }),
    ]);
  });

  test('say nothing without quotas, and when no projection can count', () => {
    expect([judge([]), judge(undefined)]).toEqual([[], []]);
  });
});

import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { attemptIn, createLogTest, type LogLine, linesOf } from '#src/core/output/attempt-lines.ts';
import { parseLine } from '#src/core/output/log-line.ts';

const AT = Date.parse('2026-01-31T12:00:00.123Z');
const NO_LEVEL = { level: undefined, at: undefined };

describe('a line', () => {
  test.for([
    ['{"level":30,"time":1769860800123,"msg":"ready"}', { level: 'info', at: AT, message: 'ready' }],
    ['{"level":55,"msg":"between"}', { level: 'error', at: undefined, message: 'between' }],
    ['{"level":70,"msg":"above"}', { level: 'fatal', at: undefined, message: 'above' }],
    ['{"level":"WARNING","message":"hot","timestamp":"2026-01-31T12:00:00.123Z"}', { level: 'warn', at: AT, message: 'hot' }],
    ['{"severity":"critical","msg":"x","ts":1769860800.123}', { level: 'fatal', at: AT, message: 'x' }],
    ['{"level":"debug","no":"message"}', { level: 'debug', at: undefined, message: '{"level":"debug","no":"message"}' }],
    ['{"level":"loud","msg":"x"}', { ...NO_LEVEL, message: '{"level":"loud","msg":"x"}' }],
    ['{"level":5,"msg":"x"}', { ...NO_LEVEL, message: '{"level":5,"msg":"x"}' }],
    ['{broken', { ...NO_LEVEL, message: '{broken' }],
    ['2026-01-31T12:00:00.123Z order-1 [warn] hot', { level: 'warn', at: AT, message: 'hot' }],
    ['plain', { ...NO_LEVEL, message: 'plain' }],
  ] as const)('states its level, time and message: %s', ([text, expected]) => {
    const { level, at, message } = parseLine(text);
    expect({ level, at, message }).toEqual(expected);
  });
});

const ended = (fact: Partial<Fact>): LogLine[] => {
  const common = { invocation: 'order-1', at: AT, attempt: 2 };
  const attempt = attemptIn({ sequence: 7, function: 'orders', by: 'w', fact: { ...common, ...fact } as Fact });
  return attempt === undefined ? [] : linesOf(attempt);
};
const failure = { kind: 'function', code: 4002, errorType: 'TypeError', message: 'no price' } as const;

describe('the lines of an attempt', () => {
  test('end with its failure, and a stack trace has the level of its error', () => {
    const output = '{"level":50,"msg":"oh"}\n    at total (orders.mjs:1:2)\r\nplain\n';
    expect(ended({ type: 'retrying', dueAt: AT, failure, output })).toMatchObject([
      { index: 0, level: 'error', message: 'oh', failed: true },
      { index: 1, level: 'error', message: '    at total (orders.mjs:1:2)' },
      { index: 2, level: undefined, text: 'plain', kind: 'output' },
      { index: 3, level: 'error', kind: 'failure', message: 'TypeError: no price', sequence: 7, invocation: 'order-1', attempt: 2 },
    ]);
  });

  test('are none for a transition that ends no attempt', () => {
    expect(ended({ type: 'running', worker: 'w' })).toEqual([]);
    expect(ended({ type: 'failed', attempt: 0, condition: 'EventAgeExceeded', failure })).toEqual([]);
  });

  test('begin with a mark when the fact holds only the end of the output', () => {
    expect(ended({ type: 'succeeded', payload: '', output: 'x'.repeat(4_095) })).toMatchObject([{ isCut: true, failed: false }]);
    expect(ended({ type: 'succeeded', payload: '', output: 'x'.repeat(4_000) })[0]).not.toHaveProperty('isCut');
  });

  test('name what is missing: a part that is stored, or one that the function did not keep', () => {
    const tail = 'x'.repeat(4_095);
    const stored = (isCut?: true): Partial<Fact> => ({
      type: 'succeeded',
      payload: '',
      output: tail,
      storedOutput: { reference: 'stored:1.5000.x', ...(isCut ? { isCut } : {}) },
    });
    expect(ended(stored())[0]).toMatchObject({ isCut: true, isStored: true });
    const whole = (fact: Partial<Fact>): LogLine | undefined => {
      const attempt = attemptIn({
        sequence: 7,
        function: 'orders',
        by: 'w',
        fact: { invocation: 'order-1', at: AT, attempt: 2, ...fact } as Fact,
      });
      return attempt === undefined ? undefined : linesOf(attempt, `first\n${tail}`)[0];
    };
    expect(whole(stored())).toEqual(expect.not.objectContaining({ isCut: true }));
    expect(whole(stored(true))).toMatchObject({ text: 'first', isCut: true });
    expect(whole(stored(true))).not.toHaveProperty('isStored');
  });

  test('match a filter by outcome, invocation, level and text', () => {
    const [line] = ended({ type: 'succeeded', payload: '', output: 'Total: 3' }) as [LogLine];
    const attempt = { ...line, endedAt: AT, output: '', failure: undefined };
    expect(createLogTest({ failed: true }).attempt(attempt)).toBe(false);
    expect(createLogTest({ invocation: 'order-2' }).attempt(attempt)).toBe(false);
    expect(createLogTest({ invocation: 'order-1' }).attempt(attempt)).toBe(true);
    expect([createLogTest({ level: 'info' }).line(line), createLogTest({ level: 'warn' }).line(line)]).toEqual([true, false]);
    expect([createLogTest({ text: 'total' }).line(line), createLogTest({ text: 'sum' }).line(line)]).toEqual([true, false]);
  });
});

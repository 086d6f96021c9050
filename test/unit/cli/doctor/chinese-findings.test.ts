import { expect, test } from 'vitest';
import { judgeCircuits } from '#src/cli/commands/doctor/process-findings.ts';
import { judgeLosses } from '#src/cli/commands/doctor/stream-findings.ts';
import type { CircuitState } from '#src/core/ports/questions/circuit-states.ts';
import { inLanguage } from '#src/core/text/language.ts';
import { englishIn } from '#test/support/cli/english.ts';

const circuit = { deliverer: 'd', function: 'orders', target: 'HTTP', openUntil: 0, failures: 12, reason: '没有应答' };
const findingsOf = (state: CircuitState['state']) =>
  judgeCircuits([
    { instance: 'i', roles: [], version: '1', host: 'h', pid: 7, startedAt: 0, circuits: [{ ...circuit, state }], omittedCircuits: 2 },
  ]);

test.for([
  ['open', 'the circuit of HTTP for orders is open until 1970-01-01T00:00:00.000Z; 12 failures in a row; last: 没有应答'],
  ['half-open', 'the circuit of HTTP for orders is half-open, and waits for the result of a probe; 12 failures in a row; last: 没有应答'],
] as const)('the doctor says in both languages that a circuit is %s, and what to do', ([state, seen]) => {
  expect(findingsOf(state)[0]?.seen).toBe(seen);
  const chinese = inLanguage('zh-CN', () => findingsOf(state));
  expect(chinese[0]?.seen).toContain(`函数 orders 对 HTTP 的熔断器`);
  expect(chinese.flatMap(({ seen: text, remedy = '' }) => englishIn(`${text} ${remedy}`))).toEqual([]);
});

test('the doctor reports a loss of the log to a reader of Chinese without an English word', () => {
  const times = { foundAt: 2e12, keptAt: 1e12, lostAt: 1.1e12 };
  const loss = { id: 'loss-1', created: 'c', foundBy: 'test', why: 'x', keptUpTo: 5, lostUpTo: 8, ...times };
  const found = inLanguage('zh-CN', () => judgeLosses([loss]));
  expect(found).toMatchObject([{ seen: expect.stringContaining('最多丢失 3 条'), remedy: expect.stringContaining('loss-1') }]);
  expect(found.flatMap(({ seen, remedy = '' }) => englishIn(`${seen} ${remedy}`))).toEqual([]);
});

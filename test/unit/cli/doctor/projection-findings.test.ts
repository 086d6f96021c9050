import { expect, test } from 'vitest';
import { judgeProjections } from '#src/cli/commands/doctor/findings.ts';

test('the findings say how far each read model is behind the log, and note one that is seconds behind', () => {
  const status = { sequence: 1, last: 1, open: 0, problems: 0, isReady: true, memoryInBytes: 1, created: '', file: 'x', rebuild: null };
  const projections = [
    { ...status, instance: 'read', lag: 0, lagInMs: 0, rebuilds: [] },
    { ...status, instance: 'near', lag: 900, lagInMs: 700, rebuilds: [] },
    { ...status, instance: 'far', lag: 90_000, lagInMs: 12_000, rebuilds: [] },
  ];
  expect(judgeProjections(projections, Date.now()).map(({ check, level, seen }) => [check, level, seen])).toEqual([
    ['projection read', 'ok', 'has read the whole log'],
    ['projection near', 'ok', '900 messages behind the log, 700 ms'],
    ['projection far', 'note', '90000 messages behind the log, 12 s'],
  ]);
});

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const file = new URL('../../support/defective-process.ts', import.meta.url).pathname;

/** Runs a process with a defect; returns its exit code and the lines of its log. */
function runWithDefect(defect: string): { status: number | null; lines: Record<string, unknown>[] } {
  const { status, stderr } = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), file, defect], { encoding: 'utf8' });
  return {
    status,
    lines: stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

test.for([
  ['rejection', 'a defect: an unhandled rejection ends this process'],
  ['exception', 'a defect: an uncaught exception ends this process'],
] as const)('an unhandled %s is one line of JSON with stack and cause, and ends the process with 70', ([defect, msg]) => {
  const { status, lines } = runWithDefect(defect);
  expect({ status, count: lines.length }).toEqual({ status: 70, count: 1 });
  expect(lines[0]).toMatchObject({
    level: 60,
    role: 'worker',
    msg,
    err: {
      type: 'Error',
      message: 'the stream is run twice',
      stack: expect.stringMatching(/defective-process\.ts:\d+/),
      cause: { type: 'TypeError', message: 'run is undefined', stack: expect.stringMatching(/defective-process\.ts:\d+/) },
    },
  });
});

test('a rejection with something that is no error is logged as text', () => {
  const { status, lines } = runWithDefect('text');
  expect({ status, err: lines[0]?.err }).toMatchObject({ status: 70, err: { message: 'no error at all' } });
});

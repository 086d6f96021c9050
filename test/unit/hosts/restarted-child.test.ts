import { expect, test } from 'vitest';
import type { Child, ChildEnd, ChildEvents } from '#src/hosts/process/child-process.ts';
import { openRestartedChild } from '#src/hosts/process/restarted-child.ts';

type Opened = { events: ChildEvents; written: string[]; isKilled: boolean };

/** Children that do what the test says, in the order in which they were opened. */
function openChildren() {
  const opened: Opened[] = [];
  const ends: ChildEnd[] = [];
  const lines: string[] = [];
  const open = (events: ChildEvents): Child => {
    const child: Opened = { events, written: [], isKilled: false };
    opened.push(child);
    return {
      pid: opened.length,
      write: (line) => void child.written.push(line),
      kill() {
        child.isKilled = true;
      },
    };
  };
  const child = openRestartedChild(open, {
    onLine: (line) => void lines.push(line),
    isAllowed: () => true,
    onTooLong: () => {},
    onRawOutput: () => {},
    onEnd: (end) => void ends.push(end),
  });
  child.write('start');
  const end = (how: Partial<ChildEnd>) => opened.at(-1)?.events.onEnd({ code: null, signal: null, output: '', ...how });
  return { child, opened, ends, lines, end, say: (line: string) => opened.at(-1)?.events.onLine(line) };
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])('a child that %s ends before it wrote anything is opened once more', (signal) => {
  const { child, opened, ends, lines, end, say } = openChildren();
  end({ signal });
  expect([ends.length, child.pid, opened[1]?.written]).toEqual([0, 2, ['start']]);
  say('ready');
  child.write('run');
  child.kill();
  expect([lines, opened[1]?.written, opened[1]?.isKilled, opened[0]?.isKilled]).toEqual([['ready'], ['start', 'run'], true, false]);
  end({ code: 0 });
  expect([ends.length, opened.length]).toEqual([1, 2]);
});

test('the second child is the last one, whatever ends it', () => {
  const { opened, ends, end } = openChildren();
  end({ signal: 'SIGTERM' });
  end({ signal: 'SIGTERM' });
  expect([opened.length, ends.map(({ signal }) => signal)]).toEqual([2, ['SIGTERM']]);
});

test.each<[string, Partial<ChildEnd>]>([
  ['exited with a code', { code: 143 }],
  ['was killed by the kernel for its memory', { signal: 'SIGKILL' }],
  ['crashed', { signal: 'SIGSEGV' }],
  ['could not be started', { spawnError: new Error('ENOENT') }],
])('a child that %s is not opened again', (_, how) => {
  const { opened, ends, end } = openChildren();
  end(how);
  expect([opened.length, ends.length]).toEqual([1, 1]);
});

test.each<[string, (given: ReturnType<typeof openChildren>) => void]>([
  ['this program killed', ({ child }) => child.kill()],
  ['wrote a line', ({ say }) => say('loaded')],
  ['printed', ({ opened }) => opened[0]?.events.onRawOutput('text')],
])('a child that %s before a signal ended it is not opened again', (_, act) => {
  const given = openChildren();
  act(given);
  given.end({ signal: 'SIGTERM' });
  expect([given.opened.length, given.ends.length]).toEqual([1, 1]);
});

import { existsSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type ChildEvents, openChild } from '#src/hosts/process/child-process.ts';
import { createTicker, type Ticker } from '#src/hosts/process/ticker.ts';
import { scratchFile } from '#test/support/hosts/scratch-file.ts';

/** Writes of a child: the file descriptor and the text of each. */
type Writes = readonly (readonly [fd: number, text: string])[];

/** Writes the line `ready`, then the texts of each step when its file exists, and then says by another file that it has written them. */
const program = `
const { existsSync, writeFileSync, writeSync } = require('node:fs');
const [file, steps] = process.argv.slice(1);
writeSync(4, 'ready\\n');
for (const [index, writes] of JSON.parse(steps).entries()) {
  while (!existsSync(file + '-' + index));
  for (const [fd, text] of writes) writeSync(fd, text);
  writeFileSync(file + '-' + index + '-written', '');
}
setInterval(() => {}, 60_000);`;

type Planned = {
  steps: readonly Writes[];
  /** Called with each text and line that was read. `write` lets the child take its next step, and stands still until it has. */
  onRead: (text: string, write: () => void) => void;
};

/** Reads a child that writes when the test says. Gives its output and its lines up to the line `result`, in the order in which they were read. */
async function readPlanned({ steps, onRead }: Planned): Promise<string[]> {
  const file = scratchFile();
  const read: string[] = [];
  let taken = 0;
  // Nothing is read from here on until the child has written.
  const write = (): void => {
    const step = `${file}-${taken++}`;
    writeFileSync(step, '');
    while (!existsSync(`${step}-written`));
  };
  const take = (text: string): void => {
    read.push(text);
    onRead(text, write);
  };
  return await new Promise((resolve) => {
    const events: ChildEvents = {
      isAllowed: () => true,
      onTooLong: () => {},
      onRawOutput: take,
      onLine(line) {
        take(line);
        if (line === 'result') child.kill();
      },
      onEnd: () => resolve(read),
    };
    const args = ['-e', program, file, JSON.stringify(steps)];
    const child = openChild({ command: process.execPath, args, env: {}, cwd: '/' }, events);
  });
}

/** The kernel names a pipe first that was readable in the turn before. Two turns later it names pipes in the order of their writes. */
function afterTwoTurns(then: () => void): void {
  setImmediate(() => setImmediate(() => setImmediate(then)));
}

test('output without the runtime is read before the result that came after it, also behind a pause', async () => {
  const steps: Writes[] = [
    [
      [1, 'printed'],
      [4, 'result\n'],
    ],
  ];
  for (let index = 0; index < 3; index++) {
    // The kernel names the pipe of the lines first.
    const read = await readPlanned({ steps, onRead: (text, write) => text === 'ready' && write() });
    expect(read).toEqual(['ready', 'printed', 'result']);
  }
});

test('output is read before a result that one read took together with a line before that output', async () => {
  const steps: Writes[] = [
    [
      [2, 'begun'],
      [4, 'line\n'],
    ],
    [
      [1, 'printed'],
      [4, 'result\n'],
    ],
  ];
  const read = await readPlanned({
    steps,
    onRead(text, write) {
      if (text === 'ready') afterTwoTurns(write);
      // The kernel has named the pipe of the lines in this turn, and not that of the output. Its lines are read after this.
      if (text === 'begun') write();
    },
  });
  expect(read).toEqual(['ready', 'begun', 'printed', 'line', 'result']);
});

test('lines that come while earlier ones wait are accepted after a further turn of their own', async () => {
  const steps: Writes[] = [
    [
      [2, 'begun'],
      [4, 'line\n'],
    ],
    [
      [2, 'goes on'],
      [4, 'next line\n'],
    ],
    [
      [1, 'printed'],
      [4, 'result\n'],
    ],
  ];
  const read = await readPlanned({
    steps,
    onRead(text, write) {
      if (text === 'ready') afterTwoTurns(write);
      if (text === 'begun') setImmediate(write);
      if (text === 'goes on') write();
    },
  });
  expect(read).toEqual(['ready', 'begun', 'goes on', 'line', 'printed', 'next line', 'result']);
});

test('limits of time are checked behind a pause when the lines of the pause were accepted', async () => {
  const order: string[] = [];
  let ticker: Ticker | undefined;
  await readPlanned({
    steps: [[[4, 'result\n']]],
    onRead(text, write) {
      order.push(text);
      if (text !== 'ready') return;
      ticker = createTicker(() => {
        order.push('check');
        return 'empty';
      }, 1_000);
      ticker.wake();
      const wokenAt = performance.now();
      write();
      // The check is due in the turn in which the line is read.
      while (performance.now() - wokenAt < 20);
    },
  });
  expect(order).toEqual(['ready', 'result', 'check']);
  ticker?.stop();
});

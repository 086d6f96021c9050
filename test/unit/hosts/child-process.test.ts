import { existsSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type ChildEvents, openChild } from '#src/hosts/process/child-process.ts';
import { scratchFile } from '#test/support/hosts/scratch-file.ts';

/** Writes a line, waits for the first file, prints without the runtime, writes another line, and creates the second file. */
const program = `
const { existsSync, writeFileSync, writeSync } = require('node:fs');
const [awaited, created] = process.argv.slice(1);
writeSync(4, 'ready\\n');
while (!existsSync(awaited));
writeSync(1, 'printed');
writeSync(4, 'result\\n');
writeFileSync(created, '');
setInterval(() => {}, 60_000);`;

/** Runs a child whose output and result come while this process stands still, and gives what it read in its order. */
async function readBehindPause(): Promise<string[]> {
  const files = { awaited: scratchFile(), created: scratchFile() };
  const read: string[] = [];
  return await new Promise((resolve) => {
    const events: ChildEvents = {
      isAllowed: () => true,
      onTooLong: () => {},
      onRawOutput: (text) => void read.push(text),
      onLine(line) {
        read.push(line);
        if (line === 'result') child.kill();
        if (line !== 'ready') return;
        // From here on nothing is read until both are in their pipes. The kernel then names the pipe of the lines first.
        writeFileSync(files.awaited, '');
        while (!existsSync(files.created));
      },
      onEnd: () => resolve(read),
    };
    const args = ['-e', program, files.awaited, files.created];
    const child = openChild({ command: process.execPath, args, env: {}, cwd: '/' }, events);
  });
}

test('output without the runtime is read before the result that came after it, also behind a pause', async () => {
  for (let index = 0; index < 3; index++) expect(await readBehindPause()).toEqual(['ready', 'printed', 'result']);
});

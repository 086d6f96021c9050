import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { shortTimes, test } from '#test/support/fixtures.ts';
import { medianOfBlocks, slownessOfMachine } from '#test/support/vitest/slowness.ts';

const LINES = 40;
const code = `import { setTimeout as wait } from 'node:timers/promises';
export const handler = async () => {
  for (let line = 0; line < ${LINES}; line++) {
    console.log('printed ' + Date.now());
    await wait(130);
  }
};`;

test('a line of a running attempt reaches a reader within a second of being printed', async ({ server, folder }) => {
  const file = join(folder, 'ticks.mjs');
  await writeFile(file, code);
  await using _ = await startSequent(['--role', 'worker', '--role', 'scheduler'], { ...shortTimes, NATS_URL: server.url });
  await using client = await connectClient({ servers: server.url });
  await client.functions.put({ name: 'ticks', handler: { kind: 'process', file, export: 'handler' } });
  const stopping = new AbortController();
  const following = client.logs.follow('ticks', { live: true, signal: stopping.signal });
  await client.invoke('ticks', {});
  const delaysInMs: number[] = [];
  let liveLines = 0;
  for await (const lines of following) {
    delaysInMs.push(...lines.map(({ text }) => Date.now() - Number(text.replace('printed ', ''))));
    liveLines += lines.filter(({ isLive }) => isLive).length;
    if (delaysInMs.length >= LINES) stopping.abort();
  }
  expect(delaysInMs).toHaveLength(LINES);
  // The last lines may come with the end of the attempt.
  expect(liveLines).toBeGreaterThan(LINES / 2);
  process.stdout.write(`live output: each of ${LINES} lines within ${Math.max(...delaysInMs)} ms\n`);
  expect(medianOfBlocks(delaysInMs, 8, (block) => Math.max(...block))).toBeLessThan(1_000 * slownessOfMachine());
});

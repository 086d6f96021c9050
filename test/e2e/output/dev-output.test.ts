import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startDev } from '#test/support/cli/cli.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

test('sequent dev prints the lines of a running attempt while it runs, and each once', async ({ folder }) => {
  const gate = join(folder, 'gate');
  const code = `import { existsSync } from 'node:fs';
export const handler = async () => {
  console.log('before the gate');
  while (!existsSync('${gate}')) await new Promise((resolve) => setTimeout(resolve, 20));
  console.log('after the gate');
};`;
  await writeFile(join(folder, 'gated.mjs'), code);
  await using dev = await startDev(folder);
  expect((await dev.run(['invoke', 'gated', '--id', 'gated-1', '-d', '{}'])).code).toBe(0);
  await dev.prints(/gated {2}gated-1 {2}attempt 1 {2}\S* ?running\n {2}\| before the gate\n/);
  await writeFile(gate, '');
  await dev.prints(/gated-1 {2}attempt 1 {2}\S* ?succeeded {2}[\d.]+ m?s\n {2}\| after the gate\n/);
  expect(dev.stdout().match(/before the gate/g)).toHaveLength(1);
});

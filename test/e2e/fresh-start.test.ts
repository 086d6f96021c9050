import { expect } from 'vitest';
import { cloneRepository, givePackages, npmStart, npxSequent } from '#test/support/cli/processes/npm-start.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

/* `test/timed/fresh-start.test.ts` measures the same, with the installation of the packages, and runs instead in `.ci/run`. */

test('a fresh clone runs a function with "npm start" and one more command', { timeout: 300_000 }, async ({ folder }) => {
  await cloneRepository(folder);
  await givePackages(folder);
  const started = await npmStart({ folder });
  expect(started.said).toMatch(/\(nats-server \d+\.\d+\.\d+, process \d+\)/);
  const stdout = await npxSequent({ folder }, ['invoke', 'hello', '-d', '{"name":"Ada"}', '--wait']);
  expect(JSON.parse(stdout)).toMatchObject({ greeting: 'Hello, Ada!' });
  expect(await started.stop()).toBe(0);
});

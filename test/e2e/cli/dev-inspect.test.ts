import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { startDev } from '#test/support/cli/cli.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';
import { freePort } from '#test/support/free-port.ts';

test('sequent dev --inspect debugs each function in its own file, and --vscode writes how to attach', async ({ folder }) => {
  const file = join(folder, 'debugged.mjs');
  await writeFile(file, 'export const handler = () => [process.debugPort, import.meta.url];\n');
  const port = await freePort();
  await using inspected = await startDev(folder, {}, ['--inspect', String(port), '--vscode']);
  expect(inspected.stderr()).toContain(`debugged: a debugger can connect to 127.0.0.1:${port}\n`);
  expect((await inspected.run(['invoke', 'debugged', '-d', '{}', '--wait'])).stdout.trim()).toBe(
    JSON.stringify([port, pathToFileURL(file).href]),
  );
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { type: string }[];
  expect(targets).toMatchObject([{ type: 'node' }]);
  await writeFile(file, 'export const handler = () => [process.debugPort, 2];\n');
  await inspected.says(/^debugged: put again/m);
  expect((await inspected.run(['invoke', 'debugged', '-d', '{}', '--wait'])).stdout.trim()).toBe(JSON.stringify([port, 2]));
  const launch = JSON.parse(await readFile(join(folder, '.vscode/launch.json'), 'utf8')) as { configurations: object[] };
  expect(launch.configurations).toMatchObject([{ command: 'sequent dev --inspect' }, { request: 'attach', port: 9_229 }]);
});

test('a function whose port another program has gets the next free one, and so does a function that is new', async ({ folder }) => {
  const code = 'export const handler = () => process.debugPort;\n';
  const taken = await freePort();
  const other = createServer().listen(taken, '127.0.0.1');
  await once(other, 'listening');
  try {
    await writeFile(join(folder, 'early.mjs'), code);
    await using inspected = await startDev(folder, {}, ['--inspect', String(taken)]);
    const saidPortOf = async (line: RegExp): Promise<string | undefined> => {
      await inspected.says(line);
      return line.exec(inspected.stderr())?.[1];
    };
    const debugPortOf = async (name: string): Promise<string> =>
      (await inspected.run(['invoke', name, '-d', '{}', '--wait'])).stdout.trim();
    const early = await saidPortOf(new RegExp(`^early: port ${taken} is taken by another program, so its debugger has (\\d+)$`, 'm'));
    expect(await debugPortOf('early')).toBe(early);
    await writeFile(join(folder, 'late.mjs'), code);
    const late = await saidPortOf(/^late: .* (?:127\.0\.0\.1:)?(\d+)$/m);
    expect(await debugPortOf('late')).toBe(late);
    expect(new Set([String(taken), early, late]).size).toBe(3);
  } finally {
    other.close();
  }
});

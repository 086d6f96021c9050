import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { storedCode } from '#src/cli/commands/fn/folder/folder-code.ts';
import { readFolder } from '#src/cli/commands/fn/folder/read-folder.ts';
import { createMemoryCodePackages } from '#src/core/memory/memory-code-packages.ts';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';

test('a folder names layers, and its deployment stores those that the server lacks', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-layers-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [stored, sent] = ['stored', 'sent'].map((text) => Buffer.from(text)) as [Buffer, Buffer];
  const layers = [digestOf(stored), digestOf(sent), digestOf(Buffer.from('missing'))];
  const packages = createMemoryCodePackages({ now: () => 0 });
  await packages.put(stored, 'shop');
  await mkdir(join(folder, 'layers'));
  await writeFile(join(folder, `layers/${layers[1]}.zip`), sent);
  const handler = { kind: 'process', package: digestOf(stored), file: 'index.js', layers };
  await writeFile(join(folder, 'sequent.json'), JSON.stringify({ functions: { 'shop=greet': { handler } } }));
  const [read] = (await readFolder(folder)).functions;
  if (read?.code === undefined) throw new Error('no code');
  expect(await storedCode({ packages }, read.code, { present: undefined, owner: 'shop' })).toEqual(handler);
  expect(await Promise.all(layers.map((digest) => packages.has(digest, 'shop')))).toEqual([true, true, false]);
});

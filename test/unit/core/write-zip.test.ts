import { expect, test } from 'vitest';
import { readZip } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';

test('an executable file stays executable, and an archive that was not packed on Unix makes none', async () => {
  const content = Buffer.from('#!/bin/sh');
  const archive = await writeZip([
    { path: 'bootstrap', content, isExecutable: true },
    { path: 'data', content },
  ]);
  expect((await readZip(archive)).map(({ path, isExecutable }) => [path, isExecutable])).toEqual([
    ['bootstrap', true],
    ['data', undefined],
  ]);
  const onWindows = Buffer.from(archive);
  onWindows.writeUInt8(0, onWindows.indexOf('PK\u0001\u0002') + 5);
  expect((await readZip(onWindows)).some(({ isExecutable }) => isExecutable)).toBe(false);
});

test('an archive reads as it was written, and equal files give equal bytes', async () => {
  const files = [
    { path: 'src/ä.js', content: Buffer.from('export const x = 1;'.repeat(100)) },
    { path: 'empty', content: Buffer.alloc(0) },
    { path: 'index.js', content: Buffer.from('code') },
  ];
  const archive = await writeZip(files);
  const read = (await readZip(archive)).map(({ path, content }) => [path, Buffer.from(content).toString()]);
  expect(read).toEqual([...files].sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ path, content }) => [path, content.toString()]));
  expect((await writeZip([...files].reverse())).equals(archive)).toBe(true);
});

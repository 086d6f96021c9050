import { expect, test } from 'vitest';
import { readZip } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';

test('an archive reads as it was written, and equal files give equal bytes', async () => {
  const files = [
    { path: 'src/ä.js', content: Buffer.from('export const x = 1;'.repeat(100)) },
    { path: 'empty', content: Buffer.alloc(0) },
    { path: 'index.js', content: Buffer.from('code') },
  ];
  const archive = writeZip(files);
  const read = (await readZip(archive)).map(({ path, content }) => [path, Buffer.from(content).toString()]);
  expect(read).toEqual([...files].sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ path, content }) => [path, content.toString()]));
  expect(writeZip([...files].reverse()).equals(archive)).toBe(true);
});

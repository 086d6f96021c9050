import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '#src/core/errors.ts';
import { readZip } from '#src/core/zip/read-zip.ts';
import { type Part, zipOf } from '#test/support/gateway/zip-archive.ts';

describe('readZip', () => {
  test('returns the files of an archive with any comment', async () => {
    const parts = [{ name: 'index.js', content: 'exports.handler = 1' }, { name: 'lib/' }, { name: 'lib/ü.js', content: '' }];
    const files = await readZip(zipOf(parts, { comment: 'PK\u0005\u0006 and so on' }));
    expect(files.map(({ path, content }) => [path, Buffer.from(content).toString()])).toEqual([
      ['index.js', 'exports.handler = 1'],
      ['lib/ü.js', ''],
    ]);
  });

  test.for([
    '../outside.js',
    'a/../../outside.js',
    '/etc/passwd',
    'C:/windows',
    'a\\..\\b',
    'a//b',
    './a',
    'a/.',
    '..',
    '',
    'a\0b',
    'a\nb',
    'a'.repeat(256),
    `${'a/'.repeat(600)}b`,
  ])('refuses the name %j', async (name) => {
    await expect(readZip(zipOf([{ name, content: 'x' }]))).rejects.toThrow(InvalidInputError);
  });

  test.for<[string, Part[], RegExp]>([
    ['a name that is not UTF-8', [{ name: Buffer.from([0xff, 0xfe]) }], /UTF-8/],
    ['a link', [{ name: 'a', content: '/etc/passwd', claims: { mode: 0o120777 } }], /link/],
    ['a device', [{ name: 'a', claims: { mode: 0o020666 } }], /device/],
    ['an encrypted entry', [{ name: 'a', claims: { flags: 1 } }], /encrypted/],
    ['an unknown compression', [{ name: 'a', claims: { method: 14 } }], /unknown way/],
    ['more bytes than its header says', [{ name: 'a', content: 'x'.repeat(5_000), claims: { bytes: 10 } }], /larger than its header says/],
    ['fewer bytes than its header says', [{ name: 'a', content: 'x', claims: { bytes: 10 } }], /damaged/],
    ['a wrong checksum', [{ name: 'a', content: 'x', claims: { crc: 1 } }], /damaged/],
    ['two entries of one name', [{ name: 'a' }, { name: 'a' }], /twice/],
    ['two names that differ in case only', [{ name: 'Index.js' }, { name: 'index.js' }], /twice/],
    ['a file that is a folder too', [{ name: 'a' }, { name: 'a/b' }], /file and a folder/],
    ['a folder that is a file too', [{ name: 'a/b' }, { name: 'a' }], /twice/],
    ['another name in the local header', [{ name: 'good.js', claims: { localName: 'evil.js' } }], /differs/],
    [
      'entries that share bytes',
      [
        { name: 'a', content: 'x' },
        { name: 'a1', content: 'x', claims: { offset: 0 } },
      ],
      /shares bytes/,
    ],
    ['an entry outside the archive', [{ name: 'a', claims: { offset: 1_000_000 } }], /not where/],
    ['an entry that is cut off', [{ name: 'a', claims: { packedBytes: 1_000_000 } }], /cut off/],
  ])('refuses %s', async ([, parts, why]) => {
    await expect(readZip(zipOf(parts))).rejects.toThrow(why);
  });

  test('stops inflating at the limit, whatever a bomb claims', async () => {
    const zeros = Buffer.alloc(4_000_000);
    const bomb = zipOf([
      { name: 'a', content: zeros },
      { name: 'b', content: zeros },
    ]);
    expect(bomb.length).toBeLessThan(20_000);
    await expect(readZip(bomb, { entries: 10, totalBytes: 5_000_000 })).rejects.toThrow('holds more than is accepted');
    const lying = zipOf([{ name: 'a', content: zeros, claims: { bytes: 1_000 } }]);
    await expect(readZip(lying)).rejects.toThrow('larger than its header says');
  });

  test('refuses more entries than the limit, and a false count', async () => {
    await expect(readZip(zipOf([{ name: 'a' }, { name: 'b' }], {}), { entries: 1, totalBytes: 100 })).rejects.toThrow(
      'more than 1 entries',
    );
    await expect(readZip(zipOf([{ name: 'a' }], { count: 2 }))).rejects.toThrow('damaged directory');
    await expect(readZip(zipOf([{ name: 'a' }, { name: 'b' }], { count: 1 }))).rejects.toThrow('damaged directory');
    await expect(readZip(zipOf([], { count: 0xffff }))).rejects.toThrow('zip64');
  });

  test('refuses an archive with changed bytes, or returns safe paths only', async () => {
    const archive = zipOf([
      { name: 'index.js', content: 'exports.handler = () => 1' },
      { name: 'lib/b.js', content: 'x' },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = Buffer.from(archive);
        for (const [at, value] of changes) changed[at] = value;
        const files = await readZip(changed).catch((error: unknown) => {
          if (error instanceof InvalidInputError) return [];
          throw error;
        });
        for (const { path } of files) expect(path).not.toMatch(/^\/|\.\.|\\/);
      }),
      { numRuns: 500 },
    );
  });
});

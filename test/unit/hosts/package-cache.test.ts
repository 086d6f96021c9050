import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { InvalidInputError } from '#src/core/errors.ts';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { createPackageCache, type PackageCacheOptions } from '#src/hosts/packages/package-cache.ts';

const MB = 1_048_576;
const stored = new Map<string, Uint8Array>();
let fetched: string[];
beforeEach(() => {
  stored.clear();
  fetched = [];
});
const packages = {
  get: async (digest: string) => {
    fetched.push(digest);
    return stored.get(digest);
  },
};

async function put(...files: [path: string, content: string | Buffer][]): Promise<string> {
  const archive = await writeZip(files.map(([path, content]) => ({ path, content: Buffer.from(content) })));
  stored.set(digestOf(archive), archive);
  return digestOf(archive);
}

function openCache(options: Partial<PackageCacheOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sequent-cache-'));
  const cache = createPackageCache({ packages, folder, ...options });
  onTestFinished(async () => {
    await cache.close();
    rmSync(folder, { recursive: true });
  });
  return { cache, folder };
}

describe('a package with layers', () => {
  test('is refused as soon as its layers are too large together, and no further layer is fetched', { timeout: 60_000 }, async () => {
    const { cache } = openCache();
    const half = Buffer.alloc(65 * MB);
    const layers = [await put(['a', half]), await put(['b', half]), await put(['c', half])];
    await expect(cache.open(await put(['index.js', '']), undefined, layers)).rejects.toThrow(/134217728 bytes with its layers/);
    expect(fetched).toEqual(layers.slice(0, 2));
  });

  test('is refused as its own mistake when one part has a file where another has a folder', async () => {
    const { cache } = openCache();
    for (const [layer, file] of [
      ['lib', 'lib/x.js'],
      ['lib/x.js', 'lib'],
    ] as const)
      await expect(cache.open(await put([file, '']), undefined, [await put([layer, ''])])).rejects.toThrow(
        new InvalidInputError({ field: 'the code package', problem: 'has a file and a folder of the name "lib" with its layers' }),
      );
  });
});

describe('the unpacked packages of a worker', () => {
  const old = new Date(Date.now() - 300_000);

  test('have a size together: those that no process uses make room, the oldest first', async () => {
    const { cache, folder } = openCache({ maxUnpackedBytes: 3 * MB });
    const digests: string[] = [];
    for (const name of ['held', 'oldest', 'older', 'new']) digests.push(await put([name, Buffer.alloc(0.9 * MB)]));
    const [held = '', oldest = '', older = '', added = ''] = digests;
    const holding = await cache.open(held);
    for (const digest of [oldest, older]) (await cache.open(digest)).release();
    utimesSync(join(folder, held), old, new Date(0));
    utimesSync(join(folder, oldest), old, old);
    (await cache.open(added)).release();
    expect(readdirSync(folder).sort()).toEqual([held, older, added].sort());
    holding.release();
  });

  test('in use may leave no room for another one: a failure of the platform, until one is released', async () => {
    const { cache, folder } = openCache({ maxUnpackedBytes: 2 * MB });
    const [one, other, third] = await Promise.all(['one', 'other', 'third'].map((name) => put([name, Buffer.alloc(0.9 * MB)])));
    const { release } = await cache.open(one ?? '');
    await cache.open(other ?? '');
    const refused = await cache.open(third ?? '').catch((error: unknown) => error);
    expect(refused).toMatchObject({ message: expect.stringContaining('2097152 bytes') });
    expect(refused).not.toBeInstanceOf(InvalidInputError);
    expect(readdirSync(folder)).toHaveLength(2);
    release();
    utimesSync(join(folder, one ?? ''), old, old);
    expect(readdirSync((await cache.open(third ?? '')).folder)).toContain('third');
  });
});

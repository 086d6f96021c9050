import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CodePackages, digestOf, MAX_ARCHIVE_BYTES } from '#src/core/ports/stores/code-packages.ts';

export type OpenedCodePackages = AsyncDisposable & { packages: CodePackages; other: CodePackages };

/** The contract of a store of code packages. All tests may share one store. */
export function describeCodePackages(title: string, open: () => Promise<OpenedCodePackages>): void {
  describe(`the store of code packages ${title}`, () => {
    let opened: OpenedCodePackages;
    let packages: CodePackages;
    let other: CodePackages;
    beforeAll(async () => {
      opened = await open();
      ({ packages, other } = opened);
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    test('returns nothing for a digest that was not stored', async () => {
      expect(await packages.get('0'.repeat(128))).toBeUndefined();
      await packages.delete('0'.repeat(128));
    });

    test('returns a stored archive by its digest, also to another process', async () => {
      const large = Buffer.alloc(1_000_000, 'code');
      const digest = await packages.put(large);
      expect(digest).toBe(digestOf(large));
      expect(Buffer.from((await other.get(digest)) ?? []).equals(large)).toBe(true);
      expect(await other.put(large)).toBe(digest);
    });

    test('gives a package to the projects that uploaded it, and to no other (U1)', async () => {
      const digest = await packages.put(Buffer.from('owned'), 'a');
      expect(Buffer.from((await other.get(digest, 'a')) ?? []).toString()).toBe('owned');
      expect(await other.has(digest, 'a')).toBe(true);
      expect(await other.sizeOf(digest, 'a')).toBe(5);
      for (const owner of ['b', undefined]) {
        expect(await other.get(digest, owner)).toBeUndefined();
        expect(await other.has(digest, owner)).toBe(false);
        expect(await other.sizeOf(digest, owner)).toBeUndefined();
      }
      await packages.put(Buffer.from('owned'), 'b');
      await packages.put(Buffer.from('owned'));
      await packages.delete(digest, 'a');
      expect(await Promise.all(['a', 'b', undefined, 'c'].map((owner) => other.has(digest, owner)))).toEqual([false, true, true, false]);
      expect((await packages.list()).filter((stored) => stored.digest === digest).map(({ owner }) => owner)).toHaveLength(2);
    });

    test('lists the stored packages with their sizes and times', async () => {
      const before = Date.now() - 2;
      const digest = await packages.put(Buffer.from('listed'));
      const found = (await other.list()).find((stored) => stored.digest === digest);
      expect(found?.bytes).toBe(6);
      expect(found?.storedAt).toBeGreaterThanOrEqual(before);
    });

    test('sums the bytes of the packages of one owner', async () => {
      expect(await packages.bytesOf('sums')).toBe(0);
      const digest = await packages.put(Buffer.from('12345'), 'sums');
      await packages.put(Buffer.from('678'), 'sums');
      expect(await other.bytesOf('sums')).toBe(8);
      await packages.delete(digest, 'sums');
      expect(await other.bytesOf('sums')).toBe(3);
    });

    test('deletes a package, and can store it again', async () => {
      const digest = await packages.put(Buffer.from('gone'));
      await other.delete(digest);
      expect(await packages.get(digest)).toBeUndefined();
      expect((await packages.list()).map((stored) => stored.digest)).not.toContain(digest);
      await packages.put(Buffer.from('gone'));
      expect(Buffer.from((await other.get(digest)) ?? []).toString()).toBe('gone');
    });

    test('refuses an archive that is too large', async () => {
      await expect(packages.put(new Uint8Array(MAX_ARCHIVE_BYTES + 1))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    });
  });
}

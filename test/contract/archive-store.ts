import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchiveStore } from '#src/core/ports/stores/archive.ts';

/** `racing`: a store of the same kind that decides in one step who creates a name; by default `store`. */
export type OpenedStore = AsyncDisposable & { store: ArchiveStore; racing?: ArchiveStore };

/** The contract of an archive store. */
export function describeArchiveStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`an archive store ${name}`, () => {
    let opened: OpenedStore;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => await opened?.[Symbol.asyncDispose]());

    test('returns created content byte for byte, and its first bytes', async () => {
      const content = randomBytes(20_000);
      expect(await opened.store.create('log-1/0001.seg', content)).toBe(true);
      expect(await opened.store.get('log-1/0001.seg')).toEqual(content);
      expect(await opened.store.head('log-1/0001.seg', 4_096)).toEqual(content.subarray(0, 4_096));
      expect(await opened.store.head('log-1/0001.seg', 50_000)).toEqual(content);
    });

    test('lets one of several writers create a name, and keeps that writer’s content', async () => {
      const store = opened.racing ?? opened.store;
      const contents = Array.from({ length: 8 }, () => randomBytes(2_000));
      const won = await Promise.all(contents.map((content) => store.create('log-1/0002.seg', content)));
      expect(won.filter((isMine) => isMine)).toHaveLength(1);
      expect(await store.get('log-1/0002.seg')).toEqual(contents[won.indexOf(true)]);
      expect(await store.create('log-1/0002.seg', randomBytes(10))).toBe(false);
      expect(await store.get('log-1/0002.seg')).toEqual(contents[won.indexOf(true)]);
    });

    test('replaces the content of a name', async () => {
      await opened.store.replace('log-1/0003.seg', Buffer.from('one'));
      await opened.store.replace('log-1/0003.seg', Buffer.from('two'));
      expect((await opened.store.get('log-1/0003.seg'))?.toString()).toBe('two');
    });

    test('returns undefined for a name that does not exist', async () => {
      expect(await opened.store.get('log-9/0001.seg')).toBeUndefined();
      expect(await opened.store.head('log-9/0001.seg', 10)).toBeUndefined();
      expect(await opened.store.list('log-9/')).toEqual([]);
    });

    test('lists all names with a prefix, in order, also thousands of them', { timeout: 180_000 }, async () => {
      const names = Array.from({ length: 1_100 }, (_, index) => `log-2/${String(index).padStart(6, '0')}.seg`);
      const left = [...names].reverse();
      const writer = async (): Promise<void> => {
        for (let name = left.pop(); name !== undefined; name = left.pop()) await opened.store.replace(name, Buffer.from('x'));
      };
      await Promise.all(Array.from({ length: 16 }, writer));
      expect(await opened.store.list('log-2/')).toEqual(names);
    });
  });
}

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchiveStore } from '#src/core/ports/archive.ts';

export type OpenedStore = AsyncDisposable & { store: ArchiveStore };

/** What every place for archived segments has to keep. */
export function describeArchiveStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`an archive store ${name}`, () => {
    let opened: OpenedStore;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => await opened?.[Symbol.asyncDispose]());

    test('gives back what was created, byte for byte, and its beginning', async () => {
      const content = randomBytes(20_000);
      expect(await opened.store.create('log-1/0001.seg', content)).toBe(true);
      expect(await opened.store.get('log-1/0001.seg')).toEqual(content);
      expect(await opened.store.head('log-1/0001.seg', 4_096)).toEqual(content.subarray(0, 4_096));
      expect(await opened.store.head('log-1/0001.seg', 50_000)).toEqual(content);
    });

    test('gives a name to one of those who want it, and keeps what that one wrote', async () => {
      const contents = Array.from({ length: 8 }, () => randomBytes(2_000));
      const won = await Promise.all(contents.map((content) => opened.store.create('log-1/0002.seg', content)));
      expect(won.filter((isMine) => isMine)).toHaveLength(1);
      expect(await opened.store.get('log-1/0002.seg')).toEqual(contents[won.indexOf(true)]);
      expect(await opened.store.create('log-1/0002.seg', randomBytes(10))).toBe(false);
      expect(await opened.store.get('log-1/0002.seg')).toEqual(contents[won.indexOf(true)]);
    });

    test('replaces a content', async () => {
      await opened.store.replace('log-1/0003.seg', Buffer.from('one'));
      await opened.store.replace('log-1/0003.seg', Buffer.from('two'));
      expect((await opened.store.get('log-1/0003.seg'))?.toString()).toBe('two');
    });

    test('knows nothing of what is not there', async () => {
      expect(await opened.store.get('log-9/0001.seg')).toBeUndefined();
      expect(await opened.store.head('log-9/0001.seg', 10)).toBeUndefined();
      expect(await opened.store.list('log-9/')).toEqual([]);
    });

    test('lists all that begins so, in order, however many there are', async () => {
      const names = Array.from({ length: 1_100 }, (_, place) => `log-2/${String(place).padStart(6, '0')}.seg`);
      const left = [...names].reverse();
      const writer = async (): Promise<void> => {
        for (let name = left.pop(); name !== undefined; name = left.pop()) await opened.store.replace(name, Buffer.from('x'));
      };
      await Promise.all(Array.from({ length: 16 }, writer));
      expect(await opened.store.list('log-2/')).toEqual(names);
    });
  });
}

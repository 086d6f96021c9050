import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

export type OpenedKeyValue = AsyncDisposable & { store: KeyValue; other: KeyValue };
type Change = Parameters<Parameters<KeyValue['watch']>[0]>[0];

/** The contract of a key-value store. All tests may share one store, because each uses its own keys. */
export function describeKeyValue(title: string, open: () => Promise<OpenedKeyValue>): void {
  describe(`the key-value store ${title}`, () => {
    let opened: OpenedKeyValue;
    let store: KeyValue;
    let other: KeyValue;
    beforeAll(async () => {
      opened = await open();
      ({ store, other } = opened);
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    test('returns undefined for a key that was not put', async () => expect(await store.get('nothing')).toBeUndefined());

    test('returns the value of the last put, with a revision that grows', async () => {
      const first = await store.put('grows', 'one');
      const second = await store.put('grows', 'zwö');
      expect(second).toBeGreaterThan(first);
      expect(await other.get('grows')).toEqual({ value: 'zwö', revision: second });
    });

    test('returns undefined for a deleted key', async () => {
      await store.put('gone', '1');
      await store.delete('gone');
      expect(await other.get('gone')).toBeUndefined();
      expect(await other.keys()).not.toContain('gone');
    });

    test('returns as newest revision that of the last put, and a greater one after a delete', async () => {
      const revision = await store.put('newest', '1');
      expect(await other.newestRevision()).toBe(revision);
      await store.delete('newest');
      expect(await other.newestRevision()).toBeGreaterThan(revision);
    });

    test('erases a key, unless it has another revision than the given one, and lets it be created again', async () => {
      const first = await store.put('erased', 'one');
      const second = await store.put('erased', 'two');
      await store.erase('erased', first);
      expect(await store.get('erased')).toEqual({ value: 'two', revision: second });
      await store.erase('erased', second);
      await store.erase('erased');
      expect(await store.get('erased')).toBeUndefined();
      expect(await store.put('erased', 'three', 0)).toBeGreaterThan(second);
    });

    test('keeps a key with a colon apart from others, for readers and watchers', async () => {
      const ending = new AbortController();
      const seen: Change[] = [];
      await other.watch((change) => void seen.push(change), ending.signal);
      const keys = ['colon.a:b', 'colon.a', 'colon.a/version=b', 'colon.p=a:b'];
      for (const key of keys) await store.put(key, key);
      for (const key of keys) expect((await other.get(key))?.value).toBe(key);
      expect((await other.keys()).filter((key) => key.startsWith('colon.'))).toEqual([...keys].sort());
      expect((await other.names()).filter((key) => key.startsWith('colon.'))).toEqual([...keys].sort());
      expect(await other.names('colon.')).toEqual([...keys].sort());
      const shown = (): unknown[] => seen.filter(({ key }) => key.startsWith('colon.')).map(({ key, value }) => [key, value]);
      await vi.waitFor(() => expect(shown()).toEqual(keys.map((key) => [key, key])), 20_000);
      ending.abort();
      await store.delete('colon.a:b');
      expect(await other.get('colon.a:b')).toBeUndefined();
      expect(await other.get('colon.a')).toBeDefined();
    });

    test('lists its keys, sorted', async () => {
      await store.put('key-b', '1');
      await store.put('key-a', '1');
      expect((await other.keys()).filter((key) => key.startsWith('key-'))).toEqual(['key-a', 'key-b']);
    });

    test('refuses a put that expects another revision, and keeps the value', async () => {
      const revision = await store.put('expected', 'one');
      await expect(other.put('expected', 'two', revision - 1)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(other.put('expected', 'two', 0)).rejects.toMatchObject({ code: 'CONFLICT', message: /"expected" was changed/ });
      expect((await store.get('expected'))?.value).toBe('one');
      const next = await other.put('expected', 'two', revision);
      await expect(store.put('expected', 'three', revision)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await store.get('expected')).toEqual({ value: 'two', revision: next });
    });

    test('refuses a delete that expects another revision, also one of a deleted key, and keeps the value', async () => {
      const first = await store.put('kept', 'one');
      const second = await other.put('kept', 'two');
      await expect(store.delete('kept', first)).rejects.toMatchObject({ code: 'CONFLICT', message: /"kept" was changed/ });
      expect(await store.get('kept')).toEqual({ value: 'two', revision: second });
      await store.delete('kept', second);
      expect(await other.get('kept')).toBeUndefined();
      await expect(other.delete('kept', second)).rejects.toMatchObject({ code: 'CONFLICT' });
    });

    test('lets one of eight writers create a key, and creates it again after a delete', async () => {
      const bids = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) => (index % 2 ? store : other).put('raced', String(index), 0)),
      );
      expect(bids.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await store.delete('raced');
      await store.put('raced', 'again', 0);
    });

    test('delivers the present entries to a watcher, and then every change, until it stops', async () => {
      await store.put('watched-1', 'old');
      const stop = new AbortController();
      const heard: Change[] = [];
      await other.watch((change) => change.key.startsWith('watched') && heard.push(change), stop.signal);
      expect(heard).toMatchObject([{ key: 'watched-1', value: 'old' }]);
      await store.put('watched-2', 'new');
      // A bucket keeps only the newest value of a key, so a watcher that is late would not see this one.
      await expect.poll(() => heard).toHaveLength(2);
      await store.put('watched-1', 'newer');
      await store.delete('watched-2');
      await expect.poll(() => heard).toHaveLength(4);
      expect(heard.slice(1).map(({ key, value }) => [key, value])).toEqual([
        ['watched-2', 'new'],
        ['watched-1', 'newer'],
        ['watched-2', undefined],
      ]);
      stop.abort();
    });
  });
}

import { beforeEach, describe, expect, test } from 'vitest';
import { encryptProject, eraseProject, listProjects, renewDataKeys, stopEncrypting } from '#src/core/encryption/change-project.ts';
import { parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { overtakeNextRead } from '#test/support/overtake-next-read.ts';

const keys = parseMasterKeys(`k1 ${Buffer.alloc(32).toString('base64')}`, 'the keys');
const SETTINGS = 'settings.project.shop';

let store: KeyValue;
let secrets: KeyValue;
beforeEach(() => {
  store = createMemoryKeyValue();
  secrets = createMemoryKeyValue();
});

const encrypt = () => encryptProject(store, 'shop', { keys, now: 0 });
const erase = () => eraseProject({ store, secrets }, 'shop', { by: 'a test', at: 5 });
const overtake = (write: () => Promise<unknown>): void => overtakeNextRead(store, SETTINGS, write);
const settings = async () => (await listProjects(store))[0];
const dataKeys = async () => (await store.keys()).filter((key) => key.startsWith('payload-key.'));

describe('a change of a project that another process changes at the same time', () => {
  test('encrypts once, with one data key', async () => {
    overtake(encrypt);
    await encrypt();
    expect(await settings()).toMatchObject({ payloads: 'encrypted', key: 1 });
    expect(await dataKeys()).toEqual(['payload-key.project.shop.1.k1']);
  });

  test('adds its data key beside the other one', async () => {
    await encrypt();
    // The first read lists the projects.
    overtake(async () => overtake(() => renewDataKeys(store, keys)));
    await renewDataKeys(store, keys);
    expect(await settings()).toMatchObject({ payloads: 'encrypted', key: 3 });
    expect(await dataKeys()).toHaveLength(3);
  });

  test('stops the encryption that the other one renewed', async () => {
    await encrypt();
    overtake(() => renewDataKeys(store, keys));
    await stopEncrypting(store, 'shop');
    expect(await settings()).toMatchObject({ payloads: 'plain', key: 2 });
  });

  test('erases the data keys up to the one that the other one made (ENC8)', async () => {
    await encrypt();
    overtake(() => renewDataKeys(store, keys));
    await erase();
    expect(await settings()).toMatchObject({ payloads: 'erased', key: 2, erasures: [{ upTo: 2 }] });
    expect(await dataKeys()).toEqual([]);
  });

  test('leaves a project erased that was to stop the encryption', async () => {
    await encrypt();
    overtake(erase);
    await stopEncrypting(store, 'shop');
    expect(await settings()).toMatchObject({ payloads: 'erased', key: 1, erasures: [{ upTo: 1 }] });
  });

  test('gives an erased project no new data key', async () => {
    await encrypt();
    overtake(async () => overtake(erase));
    expect(await renewDataKeys(store, keys)).toEqual([]);
    expect(await settings()).toMatchObject({ payloads: 'erased', key: 1, erasures: [{ upTo: 1 }] });
  });

  test('encrypts anew after an erasure, with a data key that the erasure leaves', async () => {
    await encrypt();
    await stopEncrypting(store, 'shop');
    const { put } = store;
    // The erasure comes after the new data key, and before the settings that name it.
    store.put = async (key, value, expected) => {
      if (key === SETTINGS) {
        store.put = put;
        await erase();
      }
      return await put(key, value, expected);
    };
    await encrypt();
    expect(await settings()).toMatchObject({ payloads: 'encrypted', key: 2, erasures: [{ upTo: 1 }] });
    expect(await dataKeys()).toEqual(['payload-key.project.shop.2.k1']);
  });
});

import { describe, expect, test } from 'vitest';
import { parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { surroundHost } from '#src/hosts/around/layers.ts';
import { createUnsealingLayer } from '#src/hosts/around/unsealing-layer.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { execute, processFunction } from '#test/support/hosts/executions.ts';

const [one, two] = ['1', '2'].map((digit) => Buffer.from(digit.repeat(32)).toString('base64')) as [string, string];
const keys = (...lines: string[]) => parseMasterKeys(lines.join('\n'), 'the keys');
const definition = { name: 'shop=orders', secretUserData: { token: 'hunter2 hunter2' } };

describe('a sealer of secret user data', () => {
  test('opens what it sealed, and stores neither the value nor its keys', async () => {
    const store = createMemoryKeyValue();
    const sealed = await new SecretSealer(store, keys(`k1 ${one}`)).seal(definition);
    expect(await new SecretSealer(store, keys(`k1 ${one}`)).open(sealed)).toEqual(definition);
    const stored = JSON.stringify([sealed, await store.get('data-key.project.shop')]);
    for (const secret of ['hunter2', one, Buffer.from('1'.repeat(32)).toString('base64url')]) expect(stored).not.toContain(secret);
  });

  test('keeps the stored form of a value that did not change, and seals a changed one again', async () => {
    const sealer = new SecretSealer(createMemoryKeyValue(), keys(`k1 ${one}`));
    const stored = await sealer.seal(definition);
    expect(await sealer.seal(definition, stored)).toEqual(stored);
    const changed = await sealer.seal({ ...definition, secretUserData: { token: stored.secretUserData.token, other: 'x' } }, stored);
    expect(changed.secretUserData).toMatchObject(stored.secretUserData);
    expect(await sealer.sealStored({ ...definition, secretUserData: { ...stored.secretUserData, other: 'x' } })).toMatchObject(stored);
  });

  /** The text with another character in the middle. The last one may hold bits that have no meaning. */
  function changed(text: string): string {
    const at = text.length - 8;
    return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
  }

  test('opens no value of another function, under another name, or that was changed (ENC1)', async () => {
    const sealer = new SecretSealer(createMemoryKeyValue(), keys(`k1 ${one}`));
    const { secretUserData } = await sealer.seal(definition);
    const moved = [
      { name: 'shop=billing', secretUserData },
      { name: 'shop=orders', secretUserData: { other: secretUserData.token } },
      { name: 'shop=orders', secretUserData: { token: changed(secretUserData.token) } },
      { name: 'orders', secretUserData },
    ];
    for (const each of moved) await expect(sealer.open(each)).rejects.toThrow('cannot be decrypted');
  });

  test('wraps data keys with the new master key after a rotation, and no longer needs the old one (ENC3)', async () => {
    const store = createMemoryKeyValue();
    const sealer = new SecretSealer(store, keys(`k1 ${one}`));
    const sealed = await sealer.seal(definition);
    await expect(sealer.replaceKeys(keys(`k2 ${two}`))).rejects.toThrow(
      'was wrapped by the master key "k1", which the encryption keys lack',
    );
    await sealer.replaceKeys(keys(`k2 ${two}`, `k1 ${one}`));
    expect(await new SecretSealer(store, keys(`k2 ${two}`)).open(sealed)).toEqual(definition);
    await expect(new SecretSealer(store, keys(`k1 ${one}`)).open(sealed)).rejects.toThrow('was wrapped by the master key "k2"');
    await expect(new SecretSealer(store, keys(`k2 ${one}`)).open(sealed)).rejects.toThrow('another one under this id');
  });

  test('continues a rotation that was interrupted after any of its writes, and loses no data key (ENC3)', async () => {
    for (let writes = 0; writes < 5; writes++) {
      const store = createMemoryKeyValue();
      const sealed = await new SecretSealer(store, keys(`k1 ${one}`)).seal(definition);
      let left = writes;
      const cut =
        <Given extends unknown[], Value>(write: (...given: Given) => Promise<Value>) =>
        (...given: Given): Promise<Value> =>
          left-- > 0 ? write(...given) : Promise.reject(new Error('the process died'));
      const dying = { ...store, put: cut(store.put), erase: cut(store.erase) };
      const both = keys(`k2 ${two}`, `k1 ${one}`);
      await new SecretSealer(dying, both).replaceKeys(both).catch(() => {});
      expect(await new SecretSealer(store, both).open(sealed)).toEqual(definition);
      await new SecretSealer(store, both).replaceKeys(both);
      expect(await new SecretSealer(store, keys(`k2 ${two}`)).open(sealed)).toEqual(definition);
      expect(await store.keys()).toEqual(['data-key.project.shop']);
    }
  });

  test('gives a worker with the key the values, and one without the key a reason to wait (ENC4)', async () => {
    const sealer = new SecretSealer(createMemoryKeyValue(), keys(`k1 ${one}`));
    const sealed = await sealer.seal(processFunction({ name: 'tested', secretUserData: definition.secretUserData }));
    const inline = createInlineHost(new Map([['tested', async (_event, context) => context.getUserData('token')]]));
    const results = [sealer, undefined].map((known) => execute(surroundHost(inline, [createUnsealingLayer('process', known)]), sealed));
    expect(await Promise.all(results)).toMatchObject([
      { kind: 'returned', payload: definition.secretUserData.token },
      { kind: 'failed', failure: { kind: 'platform', message: expect.stringContaining('this worker has no key') } },
    ]);
  });

  test('refuses keys that are no keys, without repeating them', () => {
    for (const text of ['', '# none', 'k1 c2hvcnQ=', `k1 ${one}\nk1 ${two}`, one]) {
      expect(() => keys(text)).toThrow(/^the keys has /);
      expect(() => keys(text)).not.toThrow('c2hvcnQ');
    }
  });
});

import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { createHintSigner, type HintSigner } from '#src/nats/wire/hint-signer.ts';

const hint = Buffer.from('{"stream":"s","request":7,"known":{}}');

const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function signatureBy(signer: HintSigner): Promise<string> {
  return await vi.waitFor(() => {
    const signature = signer.sign('deliver.a', hint);
    if (signature === undefined) throw new Error('the key is not known yet');
    return signature;
  });
}

test('a hint is signed for its subject and bytes, and all processes with the state bucket accept it', async () => {
  const state = createMemoryKeyValue();
  const [one, other] = [createHintSigner(state), createHintSigner(state)];
  expect(one.sign('deliver.a', hint)).toBeUndefined();
  const signature = await signatureBy(one);
  expect(await signatureBy(other)).toBe(signature);
  expect(other.isSigned('deliver.a', hint, signature)).toBe(true);
  expect(other.isSigned('deliver.b', hint, signature)).toBe(false);
  expect(other.isSigned('deliver.a', Buffer.from(`${hint} `), signature)).toBe(false);
  for (const forged of [undefined, '', 'x', `${signature}x`, signature.slice(1), '中']) {
    expect(other.isSigned('deliver.a', hint, forged)).toBe(false);
  }
});

test('a signature by another key is refused', async () => {
  const signature = await signatureBy(createHintSigner(createMemoryKeyValue()));
  const other = createHintSigner(createMemoryKeyValue());
  await signatureBy(other);
  expect(other.isSigned('deliver.a', hint, signature)).toBe(false);
});

test('without the key nothing is signed and nothing is accepted', async () => {
  const state = { ...createMemoryKeyValue(), get: () => Promise.reject(new Error('not permitted')) };
  const signer = createHintSigner(state);
  expect(signer.sign('deliver.a', hint)).toBeUndefined();
  await new Promise(setImmediate);
  expect([signer.sign('deliver.a', hint), signer.isSigned('deliver.a', hint, 'x')]).toEqual([undefined, false]);
});

describe('a key that is replaced', () => {
  const SOON_IN_MS = 1_000;
  const LATER_IN_MS = 30_000;
  let state: KeyValue;
  let time: number;
  let one: HintSigner;
  let other: HintSigner;
  beforeEach(() => {
    time = 0;
    state = createMemoryKeyValue();
    [one, other] = [createHintSigner(state, () => time), createHintSigner(state, () => time)];
  });

  test('is used by every process within 30 s, and signatures by the earlier key are refused then', async () => {
    const signature = await signatureBy(one);
    expect(await signatureBy(other)).toBe(signature);
    await state.put('hints.key', '00'.repeat(32));
    time += LATER_IN_MS;
    for (const signer of [one, other]) signer.sign('deliver.a', hint);
    await settle();
    expect(await signatureBy(one)).not.toBe(signature);
    expect(other.isSigned('deliver.a', hint, await signatureBy(one))).toBe(true);
    expect(other.isSigned('deliver.a', hint, signature)).toBe(false);
  });

  test('is read within a second by a process that receives a signature by the new key', async () => {
    await signatureBy(other);
    await state.put('hints.key', '00'.repeat(32));
    const signature = await signatureBy(one);
    time += SOON_IN_MS;
    expect(other.isSigned('deliver.a', hint, signature)).toBe(false);
    await settle();
    expect(other.isSigned('deliver.a', hint, signature)).toBe(true);
  });

  test('is created again when an operator removed it', async () => {
    const signature = await signatureBy(one);
    await state.delete('hints.key');
    time += LATER_IN_MS;
    one.sign('deliver.a', hint);
    await settle();
    expect(await state.get('hints.key')).toBeDefined();
    expect(await signatureBy(one)).not.toBe(signature);
  });

  test('is found after a first read that failed', async () => {
    let isDown = true;
    const signer = createHintSigner(
      { ...state, get: (key) => (isDown ? Promise.reject(new Error('no answer')) : state.get(key)) },
      () => time,
    );
    signer.sign('deliver.a', hint);
    await settle();
    isDown = false;
    time += SOON_IN_MS;
    signer.sign('deliver.a', hint);
    await settle();
    expect(signer.sign('deliver.a', hint)).toBeDefined();
  });
});

describe('the id of a hint', () => {
  test('is the same for all processes with the key, and cannot be computed without the key (HINT2)', async () => {
    const state = createMemoryKeyValue();
    const [one, other, foreign] = [createHintSigner(state), createHintSigner(state), createHintSigner(createMemoryKeyValue())];
    // Before the key is known, each id is another one.
    expect(one.signedId('wake.s.1.0')).not.toBe(one.signedId('wake.s.1.0'));
    await Promise.all([one.ready(), other.ready(), foreign.ready()]);
    const id = one.signedId('wake.s.1.0');
    expect(id).toMatch(/^wake\.s\.1\.0\.[\w-]{16}$/);
    expect(other.signedId('wake.s.1.0')).toBe(id);
    expect(foreign.signedId('wake.s.1.0')).not.toBe(id);
    expect(one.signedId('wake.s.1.1').slice(-16)).not.toBe(id.slice(-16));
    // A signature of a hint, which clients can read in the log, is none of an id.
    expect(one.sign('wake.f', Buffer.from('wake.s.1.0'))?.slice(0, 16)).not.toBe(id.slice(-16));
  });

  test('is unique while the key cannot be read', async () => {
    const signer = createHintSigner({ ...createMemoryKeyValue(), get: () => Promise.reject(new Error('not permitted')) });
    await signer.ready();
    expect(signer.signedId('wake.s.1.0')).not.toBe(signer.signedId('wake.s.1.0'));
  });
});

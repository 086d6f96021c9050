import { expect, test, vi } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createHintSigner, type HintSigner } from '#src/nats/wire/hint-signer.ts';

const hint = Buffer.from('{"stream":"s","request":7,"known":{}}');

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

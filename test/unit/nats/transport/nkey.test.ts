import { nkeyAuthenticator, nkeys } from 'nats';
import { expect, test } from 'vitest';
import { createNkeySeed, proofOf, publicNkeyOf } from '#src/nats/transport/connection/nkey.ts';

const NONCE = 'a challenge of a server';
const seedOf = (pair: ReturnType<typeof nkeys.createUser>): string => new TextDecoder().decode(pair.getSeed());

test('the proof of a user is the one that the client library makes, for every seed', () => {
  for (let round = 0; round < 20; round++) {
    const seed = createNkeySeed();
    expect(proofOf(seed, NONCE)).toEqual(nkeyAuthenticator(new TextEncoder().encode(seed))(NONCE));
  }
});

test('the public key has the kind of its owner, and verifies the signature', () => {
  for (const pair of [nkeys.createUser(), nkeys.createAccount(), nkeys.createServer()]) {
    const seed = seedOf(pair);
    expect(publicNkeyOf(seed)).toBe(pair.getPublicKey());
    const signature = Buffer.from(proofOf(seed, NONCE).sig, 'base64');
    expect(nkeys.fromPublic(publicNkeyOf(seed)).verify(new TextEncoder().encode(NONCE), signature)).toBe(true);
  }
});

test('a server that sends no challenge gets the public key alone', () => {
  const seed = createNkeySeed();
  expect(proofOf(seed, undefined)).toEqual({ nkey: publicNkeyOf(seed), sig: '' });
});

test('a text that is no seed is refused', () => {
  const seed = createNkeySeed();
  const changed = `${seed.slice(0, -1)}${seed.endsWith('A') ? 'E' : 'A'}`;
  for (const text of ['', 'SUnothing', changed, publicNkeyOf(seed)]) expect(() => publicNkeyOf(text)).toThrow();
});

import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { nkeys } from 'nats';

/*
 * The pair of keys of a NATS user. A server knows the public key, and the owner of the seed signs the server's challenge.
 *
 * OpenSSL computes keys and signatures in a millisecond. The client library does so in JavaScript, which takes 60 ms in a process that has
 * just started, and delays each command and each role.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The start of a private key of Ed25519 in the form of PKCS #8 (RFC 8410). The 32 bytes of the seed follow. */
const PKCS8_START = Buffer.from('302e020100300506032b657004220420', 'hex');
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The fields of a NATS `CONNECT` that prove the user to a server. */
export type NkeyProof = { nkey: string; sig: string };

/** Creates the seed of a new user. */
export function createNkeySeed(): string {
  return decoder.decode(nkeys.createUser().getSeed());
}

/** Throws when the text is no seed. */
export function publicNkeyOf(seed: string): string {
  const { kind, key } = privateKeyOf(seed);
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  const content = Buffer.from([kind, ...Buffer.from(x, 'base64url')]);
  const check = Buffer.alloc(2);
  check.writeUInt16LE(checksumOf(content));
  return encodeBase32(Buffer.concat([content, check]));
}

/** The proof of the user for a server with this challenge. Throws when the text is no seed. */
export function proofOf(seed: string, nonce: string | undefined): NkeyProof {
  const nkey = publicNkeyOf(seed);
  if (!nonce) return { nkey, sig: '' };
  return { nkey, sig: sign(null, encoder.encode(nonce), privateKeyOf(seed).key).toString('base64') };
}

/** The kind of the owner, such as a user, and the private key. The library checks the seed. */
function privateKeyOf(seed: string): { kind: number; key: KeyObject } {
  nkeys.fromSeed(encoder.encode(seed));
  const [first = 0, second = 0, ...secret] = decodeBase32(seed);
  const der = Buffer.concat([PKCS8_START, Buffer.from(secret.slice(0, 32))]);
  return { kind: ((first & 7) << 5) | (second >> 3), key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
}

function decodeBase32(text: string): Buffer {
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from(
    Array.from({ length: Math.floor(bits.length / 8) }, (_, index) => Number.parseInt(bits.slice(index * 8, index * 8 + 8), 2)),
  );
}

function encodeBase32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => ALPHABET[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}

/** CRC-16 in the variant of XMODEM, as nkeys have it. */
function checksumOf(bytes: Uint8Array): number {
  let checksum = 0;
  for (const byte of bytes) {
    checksum ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) checksum = ((checksum << 1) ^ (checksum & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return checksum;
}

import { nkeyAuthenticator, nkeys } from 'nats';

/** The pair of keys of a NATS user. A server knows the public key, and the owner of the seed signs the server's challenge. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Creates the seed of a new user. */
export function createNkeySeed(): string {
  return decoder.decode(nkeys.createUser().getSeed());
}

/** Throws when the text is no seed. */
export function publicNkeyOf(seed: string): string {
  return nkeys.fromSeed(encoder.encode(seed)).getPublicKey();
}

/** The fields of a NATS `CONNECT` that prove the user to a server with this challenge. */
export function proofOf(seed: string, nonce: string | undefined): { nkey?: string; sig?: string } {
  const { nkey, sig } = nkeyAuthenticator(encoder.encode(seed))(nonce) as { nkey: string; sig: string };
  return { nkey, sig };
}

import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { Buffer, setImmediate } from './globals.ts';

/*
 * What the roles import of Node, for the browser: `bundle.ts` makes a module of these parts for every `node:` module. All other exports of Node,
 * which "Try a policy" never reaches (encryption, paths, files, captured output), throw when they are called.
 */

export const unreachable = (name: string) => (): never => {
  throw new Error(`${name} is not part of "Try a policy"`);
};

const hashes = { sha1, sha256 };

export function hash(algorithm: keyof typeof hashes, content: string | Uint8Array, encoding: 'hex' | 'base64url' = 'hex'): string {
  const digest = Buffer.from(hashes[algorithm](typeof content === 'string' ? new TextEncoder().encode(content) : content));
  if (encoding === 'hex') return digest.toString('hex');
  return digest.toString('base64').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The browser does not say how busy its event loop is. */
export const performance = {
  now: () => globalThis.performance.now(),
  eventLoopUtilization: () => ({ idle: 1, active: 0, utilization: 0 }),
};

export const assert = {
  fail(message: string): never {
    throw new Error(message);
  },
};

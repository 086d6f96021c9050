import { InvalidInputError } from '#src/core/errors.ts';

/** The master keys by their ids. The first one wraps; the others only unwrap what they wrapped before a rotation. */
export type MasterKeys = { current: string; byId: ReadonlyMap<string, Buffer> };

const KEY_BYTES = 32;

/**
 * Parses lines such as `k2 <32 bytes in base64>`, the current key first. Empty lines and lines that begin with `#` are ignored.
 *
 * Throws `InvalidInputError`, whose message repeats no key.
 */
export function parseMasterKeys(text: string, field: string): MasterKeys {
  const lines = text.split('\n').map((line) => line.trim());
  const byId = new Map<string, Buffer>();
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, id = '', encoded = ''] = /^([\w-]{1,32})\s+([A-Za-z0-9+/_-]{43}=?)$/.exec(line) ?? [];
    const key = Buffer.from(encoded, 'base64');
    const refuse = (problem: string): never => {
      throw new InvalidInputError({ field, problem: `${problem} in line ${index + 1}` });
    };
    if (key.length !== KEY_BYTES) refuse('has no "<id> <32 bytes in base64>", which "openssl rand -base64 32" makes,');
    if (byId.has(id)) refuse(`has the id "${id}" twice, again`);
    byId.set(id, key);
  }
  const [current] = byId.keys();
  if (current === undefined) throw new InvalidInputError({ field, problem: 'has no key' });
  return { current, byId };
}

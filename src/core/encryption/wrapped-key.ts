import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { decrypt, encrypt } from './aes-gcm.ts';
import type { MasterKeys } from './master-keys.ts';

/** How data keys are stored (ENC2). `entry` is the name of the data key, which is authenticated. */

const recordSchema = z.object({ v: z.literal(1), master: z.string(), wrapped: z.string() });

/** Wraps a data key with the current master key. */
export function wrapKey(entry: string, key: Buffer, { current, byId }: MasterKeys): string {
  const record: z.output<typeof recordSchema> = { v: 1, master: current, wrapped: encrypt(byId.get(current) as Buffer, key, entry) };
  return JSON.stringify(record);
}

/** Throws `InvalidInputError`, which names the master key that is missing or wrong. */
export function unwrapKey(entry: string, stored: string, { byId }: MasterKeys): Buffer {
  const { master, wrapped } = parseRecord(entry, stored);
  const refuse = (problem: string): never => {
    throw new InvalidInputError({ field: `the data key ${entry}`, problem });
  };
  const key = byId.get(master) ?? refuse(`was wrapped by the master key "${master}", which the encryption keys lack; add this key`);
  return (
    decrypt(key, wrapped, entry) ?? refuse(`cannot be unwrapped by the master key "${master}": the keys have another one under this id`)
  );
}

/** The id of the master key that wrapped a data key. */
export function masterOf(entry: string, stored: string): string {
  return parseRecord(entry, stored).master;
}

function parseRecord(entry: string, stored: string): z.output<typeof recordSchema> {
  const parsed = recordSchema.safeParse(parseJson(stored));
  if (parsed.success) return parsed.data;
  throw new InvalidInputError({ field: `the data key ${entry}`, problem: 'is not readable' }, { cause: parsed.error });
}

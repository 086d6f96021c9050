import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import type { PayloadOwner } from '#src/core/ports/stores/payload-store.ts';

/** The subjects of an object in JetStream's object store, as NATS clients write them. */

/** The subject of the record of an object. */
export function recordSubject(bucket: string, name: string): string {
  const padded = Buffer.from(name).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  return `$O.${bucket}.M.${padded}`;
}

/** The subject of the parts of an object. */
export function partsSubject(bucket: string, parts: string): string {
  return `$O.${bucket}.C.${parts}`;
}

/** The record of an object, as NATS clients write it. `nuid` names the parts. */
export type ObjectRecord = z.infer<typeof recordSchema>;

const recordSchema = z.object({
  name: z.string(),
  bucket: z.string(),
  nuid: z.string(),
  size: z.number().int().min(0),
  chunks: z.number().int(),
  digest: z.string(),
  mtime: z.string(),
  options: z.object({ max_chunk_size: z.number() }),
});

/** `undefined` for anything else, such as the mark of an object that a NATS client deleted. */
export function readRecord(data: Uint8Array): ObjectRecord | undefined {
  const content = parseJson(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
  return (content as { deleted?: boolean } | undefined)?.deleted === true ? undefined : recordSchema.safeParse(content).data;
}

/** The name of the object of an invocation (BIG2). */
export function objectNameOf({ function: name, invocation }: PayloadOwner, digest: string): string {
  return `${name}/${invocation}/${digest}`;
}

export const MARK_LENGTH = 23;

/** How the parts of an invocation's objects begin, so that an erasure finds also those that no record names. */
export function partsMarkOf({ function: name, invocation }: PayloadOwner): string {
  return `${createHash('sha256')
    .update(`${name}/${invocation}`)
    .digest('base64url')
    .slice(0, MARK_LENGTH - 1)}-`;
}

/** The reverse of {@link objectNameOf}; `undefined` for another name. */
export function ownerOfObject(name: string): PayloadOwner | undefined {
  const [fn = '', invocation = '', digest = '', ...more] = name.split('/');
  return digest === '' || more.length > 0 ? undefined : { function: fn, invocation };
}

import type { Connection } from './transport/connection/connection.ts';
import { type ObjectRecord, partsSubject } from './wire/object-store.ts';
import { readNextBySubject } from './wire/stored-messages.ts';

type Stored = Pick<ObjectRecord, 'nuid' | 'size'> & { bucket: string };

/**
 * The content of an object of JetStream's object store; `undefined` when its parts have another size together. The leader answers for one part after
 * another, so that no turn of the event loop has more than one of them. nats.js would hash what arrived in JavaScript, many parts in one turn.
 */
export async function readParts(connection: Connection, { bucket, nuid, size }: Stored): Promise<Buffer | undefined> {
  const subject = partsSubject(bucket, nuid);
  const bytes = Buffer.allocUnsafe(size);
  let read = 0;
  for (let from = 1; read < size; ) {
    const part = await readNextBySubject(connection, { from, subject, stream: `OBJ_${bucket}` });
    if (part === undefined || read + part.data.length > size) return undefined;
    bytes.set(part.data, read);
    read += part.data.length;
    from = part.sequence + 1;
  }
  return bytes;
}

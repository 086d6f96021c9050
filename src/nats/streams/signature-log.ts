import type { Msg } from 'nats';
import type { SeenSignature, SignatureLog } from '#src/core/ports/stores/signature-log.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { addEphemeralConsumer } from '#src/nats/transport/streams/consumers.ts';
import { Pull } from '#src/nats/transport/streams/pull.ts';
import { openOnOneStream } from '#src/nats/transport/streams/watch-identity.ts';
import { parseAckSubject } from '#src/nats/wire/ack-subject.ts';
import { SIGNATURES } from '#src/nats/wire/topology.ts';

/** Signatures that are accepted within this time share a message. */
const COLLECT_FOR_MS = 5;
/** The encoding of a signature: four bytes with its date, eight bytes with its key. */
const BYTES = 12;
const READ_WITHIN_MS = 10_000;

/** The shared signatures. They are in a stream of their own, which removes them when no gateway would accept them any more. */
export function createSignatureLog(connection: Connection): SignatureLog {
  let unsent: Omit<SeenSignature, 'at'>[] = [];

  function send(): void {
    const bytes = Buffer.alloc(unsent.length * BYTES);
    for (const [index, { key, signedAt }] of unsent.entries()) {
      bytes.writeUInt32BE(signedAt, index * BYTES);
      bytes.writeDoubleBE(key, index * BYTES + 4);
    }
    unsent = [];
    // Without a connection no gateway accepts a request, so a lost signature does no harm.
    if (connection.isConnected) connection.nats.publish(SIGNATURES.subject, bytes);
  }

  return {
    publish(signature) {
      if (unsent.length === 0) setTimeout(send, COLLECT_FOR_MS);
      unsent.push(signature);
    },
    subscribe: (onSignature, signal) => followSignatures(connection, onSignature, signal),
  };
}

async function followSignatures(
  connection: Connection,
  onSignature: (signature: SeenSignature) => void,
  signal: AbortSignal,
): Promise<void> {
  const { manager } = connection;
  const { state } = await manager.streams.info(SIGNATURES.name);
  let next = 1;
  let onCaughtUp = (): void => {};
  const caughtUp = new Promise<void>((resolve) => {
    onCaughtUp = resolve;
  });
  const openConsumer = openOnOneStream(connection, {
    stream: SIGNATURES.name,
    open: async () => (await addEphemeralConsumer(manager, SIGNATURES.name, { from: next })).name,
    restart() {
      next = 1;
    },
  });
  const onMessage = (message: Msg): void => {
    const { sequence, at } = parseAckSubject(message.reply ?? '');
    if (sequence < next) return;
    next = sequence + 1;
    for (const signature of decode(message.data)) onSignature({ ...signature, at });
    if (next > state.last_seq) onCaughtUp();
  };
  new Pull({ connection, stream: SIGNATURES.name, openConsumer, demand: () => 1_000, onMessage, onProblem: () => {}, signal });
  if (state.messages === 0) onCaughtUp();
  // The server may remove the newest signature before it is delivered, so the wait has a deadline.
  const deadline = setTimeout(onCaughtUp, READ_WITHIN_MS);
  signal.addEventListener('abort', onCaughtUp, { once: true });
  await caughtUp;
  clearTimeout(deadline);
}

function* decode(data: Uint8Array): Iterable<Omit<SeenSignature, 'at'>> {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  for (let offset = 0; offset + BYTES <= bytes.length; offset += BYTES)
    yield { signedAt: bytes.readUInt32BE(offset), key: bytes.readDoubleBE(offset + 4) };
}

import type { Msg } from 'nats';
import type { SeenSignature, SignatureLog } from '#src/core/ports/signature-log.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { addEphemeralConsumer } from '#src/nats/transport/consumers.ts';
import { ensureStream } from '#src/nats/transport/ensure-stream.ts';
import { parseDelivery, startPull } from '#src/nats/transport/pull.ts';
import { SIGNATURES, signaturesStream } from '#src/nats/wire/topology.ts';

/** Signatures that come within this time share a message. */
const TOLD_WITHIN_MS = 5;
/** Each is its date, in four bytes, and eight bytes of a number. */
const BYTES = 12;
const HEARD_WITHIN_MS = 10_000;

/** Signatures in a stream of their own, which forgets them when they are too old for everybody. Creates it when it is missing. */
export async function openSignatureLog(connection: Connection, replicas: number): Promise<SignatureLog> {
  await ensureStream(connection, signaturesStream(replicas));
  let untold: Omit<SeenSignature, 'at'>[] = [];

  function send(): void {
    const bytes = Buffer.alloc(untold.length * BYTES);
    for (const [place, { key, signedAt }] of untold.entries()) {
      bytes.writeUInt32BE(signedAt, place * BYTES);
      bytes.writeDoubleBE(key, place * BYTES + 4);
    }
    untold = [];
    // Without NATS nothing is accepted either.
    if (connection.isConnected) connection.nats.publish(SIGNATURES.subject, bytes);
  }

  return {
    publish(signature) {
      if (untold.length === 0) setTimeout(send, TOLD_WITHIN_MS);
      untold.push(signature);
    },
    subscribe: (onSignature, signal) => subscribe(connection, onSignature, signal),
  };
}

async function subscribe(connection: Connection, onSignature: (signature: SeenSignature) => void, signal: AbortSignal): Promise<void> {
  const { manager } = connection;
  const { state } = await manager.streams.info(SIGNATURES.name);
  let next = 1;
  let onAll = (): void => {};
  const all = new Promise<void>((resolve) => {
    onAll = resolve;
  });
  const openConsumer = async (): Promise<string> => {
    const { name } = await addEphemeralConsumer(manager, SIGNATURES.name, { from: next });
    return name;
  };
  const onMessage = (message: Msg): void => {
    const { sequence, at } = parseDelivery(message.reply ?? '');
    if (sequence < next) return;
    next = sequence + 1;
    for (const signature of decode(message.data)) onSignature({ ...signature, at });
    if (next > state.last_seq) onAll();
  };
  startPull({ connection, stream: SIGNATURES.name, openConsumer, demand: () => 1_000, onMessage, onProblem: () => {}, signal });
  if (state.messages === 0) onAll();
  // The newest of them may be forgotten before it is heard.
  const deadline = setTimeout(onAll, HEARD_WITHIN_MS);
  signal.addEventListener('abort', onAll, { once: true });
  await all;
  clearTimeout(deadline);
}

function* decode(data: Uint8Array): Iterable<Omit<SeenSignature, 'at'>> {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at + BYTES <= bytes.length; at += BYTES) yield { signedAt: bytes.readUInt32BE(at), key: bytes.readDoubleBE(at + 4) };
}

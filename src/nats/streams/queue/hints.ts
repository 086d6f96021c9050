import { subjects } from '#src/core/names/subjects.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { header } from '#src/nats/wire/codec.ts';
import type { HintSigner } from '#src/nats/wire/hint-signer.ts';
import { inlineStateOf } from '#src/nats/wire/inline-state.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';

/** The header by which the server stores the equal hints of two schedulers once, within its window of deduplication. */
const MESSAGE_ID = 'Nats-Msg-Id';

/** A hint as a message. `id` names the hint for the server's deduplication. */
export type HintMessage = { subject: string; hint: Uint8Array; id: string; signature?: string };

/** Hints on JetStream. They are published without an acknowledgement, because the scheduler repeats a hint that was lost. */
export function createNatsHints({ connection, signer }: { connection: Connection; signer: HintSigner }): Hints {
  const publish = (message: HintMessage): void => {
    if (!connection.nats.isClosed()) connection.nats.publish(message.subject, message.hint, { headers: headersOf(message) });
  };
  return {
    wake: (...hint) => publish(wakeMessage(signer, ...hint)),
    deliver(name, request, id, state) {
      const plain = deliverMessage(signer, name, request, id);
      // `known` is the wire's older name of the inline state.
      const known = inlineStateOf(state);
      const hint = known === undefined ? undefined : encode({ stream: name.stream, request, known });
      const signature = hint === undefined ? undefined : signer.sign(plain.subject, hint);
      publish(hint === undefined || signature === undefined ? plain : { ...plain, hint, signature });
    },
  };
}

type Signer = Pick<HintSigner, 'signedId'>;
type Hint = Parameters<Hints['wake']>;

export function wakeMessage(signer: Signer, ...[{ function: name, stream }, request, id]: Hint): HintMessage {
  return { subject: subjects.wake(name), hint: encode({ stream, request }), id: signer.signedId(`wake.${id}`) };
}

/** A hint at a delivery, without the state of the stream. */
export function deliverMessage(signer: Signer, ...[{ function: name, stream }, request, id]: Hint): HintMessage {
  return { subject: subjects.deliver(name), hint: encode({ stream, request }), id: signer.signedId(`deliver.${id}`) };
}

export function headersOf({ id, signature }: HintMessage): ReturnType<typeof wireHeaders> {
  return wireHeaders([[MESSAGE_ID, id], ...(signature === undefined ? [] : [[header.hintSignature, signature] as [string, string]])]);
}

function encode(hint: object): Uint8Array {
  return Buffer.from(JSON.stringify(hint));
}

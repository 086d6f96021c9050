import { subjects } from '#src/core/names/subjects.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { header } from '#src/nats/wire/codec.ts';
import type { HintSigner } from '#src/nats/wire/hint-signer.ts';
import { inlineStateOf } from '#src/nats/wire/inline-state.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';

/** The header by which the server stores the equal hints of two schedulers once, within its window of deduplication. */
const MESSAGE_ID = 'Nats-Msg-Id';

/** Hints on JetStream. They are published without an acknowledgement, because the scheduler repeats a hint that was lost. */
export function createNatsHints({ connection, signer }: { connection: Connection; signer: HintSigner }): Hints {
  const publish = (subject: string, hint: Uint8Array, headers: [name: string, value: string][]): void => {
    if (!connection.nats.isClosed()) connection.nats.publish(subject, hint, { headers: wireHeaders(headers) });
  };
  return {
    wake: ({ function: name, stream }, request, id) =>
      publish(subjects.wake(name), encode({ stream, request }), [[MESSAGE_ID, `wake.${id}`]]),
    deliver({ function: name, stream }, request, id, state) {
      const subject = subjects.deliver(name);
      const messageId: [string, string] = [MESSAGE_ID, `deliver.${id}`];
      // `known` is the wire's older name of the inline state.
      const known = inlineStateOf(state);
      const hint = known === undefined ? undefined : encode({ stream, request, known });
      const signature = hint === undefined ? undefined : signer.sign(subject, hint);
      if (hint === undefined || signature === undefined) publish(subject, encode({ stream, request }), [messageId]);
      else publish(subject, hint, [messageId, [header.hintSignature, signature]]);
    },
  };
}

function encode(hint: object): Uint8Array {
  return Buffer.from(JSON.stringify(hint));
}

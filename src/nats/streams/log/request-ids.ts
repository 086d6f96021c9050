import type { JsMsg } from 'nats';
import { header } from '#src/nats/wire/codec.ts';

/** The sequences and the request ids of messages. */
export async function* requestIdsOf(messages: AsyncIterable<JsMsg>): AsyncGenerator<{ sequence: number; requestId: string }> {
  for await (const { seq: sequence, headers } of messages) yield { sequence, requestId: headers?.get(header.requestId) ?? '' };
}

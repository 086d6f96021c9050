import type { FunctionName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { header } from '#src/nats/wire/codec.ts';

/**
 * Hears the results of a function from now on, as a plain subscriber; resolves when the server has taken the subscription.
 *
 * Throws `NotPermittedError` when the server refuses it.
 */
export async function hearResults(
  { nats, refusals }: Connection,
  name: FunctionName,
  onResult: (requestId: string, envelope: string) => void,
): Promise<void> {
  let refusal: unknown;
  nats.subscribe(subjects.result(name, '*'), {
    callback: (error, message) => {
      if (error === null) onResult(message.headers?.get(header.requestId) ?? '', message.string());
      else refusal = error;
    },
  });
  await nats.flush();
  if (refusal !== undefined) throw refusals.explain(refusal);
}

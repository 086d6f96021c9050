import type { FunctionName } from '#src/core/names.ts';
import { subjects } from '#src/core/subjects.ts';
import { header } from './codec.ts';
import type { Connection } from './connection.ts';

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

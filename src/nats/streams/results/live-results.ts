import type { FunctionName } from '#src/core/names/names.ts';
import { ALL_RESULTS, subjects } from '#src/core/names/subjects.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { header } from '#src/nats/wire/codec.ts';

/**
 * Subscribes to the results of a function that are published from now on. Resolves when the server has accepted the subscription.
 *
 * A lost connection may lose results. Throws `NotPermittedError` when the server refuses the subscription.
 */
export async function subscribeToLiveResults(
  { nats, refusals }: Connection,
  name: FunctionName | '*',
  onResult: (requestId: string, envelope: string) => void,
  { outcome = '*', signal }: { outcome?: 'succeeded' | 'failed' | '*' | undefined; signal?: AbortSignal } = {},
): Promise<void> {
  let refusal: unknown;
  const subscription = nats.subscribe(name === '*' ? ALL_RESULTS : subjects.result(name, outcome), {
    callback: (error, message) => {
      if (error === null) onResult(message.headers?.get(header.requestId) ?? '', message.string());
      else refusal = error;
    },
  });
  signal?.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  await nats.flush();
  if (refusal !== undefined) throw refusals.explain(refusal);
}

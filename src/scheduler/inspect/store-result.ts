import { publishResultOf, publishUnlessStored } from '#src/core/log/envelope.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { requestOf, type StreamState } from '#src/core/stream/stream.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';

/**
 * Publishes the result of an outcome, unless it is stored (PUB3). `isNew`: no other process can have published it. Does nothing for an
 * invocation without an outcome.
 */
export async function storeResult(
  state: StreamState,
  id: RequestId,
  ports: Pick<SchedulerOptions, 'results' | 'tenancy'>,
  isNew = false,
): Promise<void> {
  const invocation = state.invocations.get(id);
  const request = requestOf(state, id);
  const outcome = invocation?.context.outcome ?? null;
  if (invocation === undefined || request === undefined || outcome === null) return;
  const result = { name: state.name, request, invocation, outcome };
  await (isNew ? publishResultOf(result, ports) : publishUnlessStored(result, ports));
}

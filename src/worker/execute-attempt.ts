import { type FunctionEntry, resolveFunction } from '#src/core/functions/entry.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { ExecutionEvent, ExecutionResult } from '#src/core/ports/function-host.ts';
import { executionOf, type HeldAttempt } from './executions.ts';
import type { StartStep } from './next-step.ts';
import type { WorkerPorts } from './ports.ts';
import type { Slots } from './slots.ts';

type ExecuteOptions = { ports: Pick<WorkerPorts, 'host' | 'tenancy'>; slots: Slots; fn: () => FunctionEntry };

/** Executes an attempt whose `running` is durable, in a slot that the caller holds. */
export async function executeAttempt(
  { ports, slots, fn }: ExecuteOptions,
  held: HeldAttempt,
  { events, ...request }: AcceptedRequest & { events?: readonly ExecutionEvent[] | undefined },
  { fact: { attempt }, fn: decided }: StartStep,
): Promise<ExecutionResult> {
  const { invocation } = request.fact;
  // The definition may have changed while the append was in flight.
  const current = resolveFunction(fn(), decided.version, invocation) ?? decided;
  const single = executionOf(request, attempt, { tenancy: ports.tenancy, fn: current });
  const execution = events === undefined ? single : { ...single, events };
  slots.startExecution();
  try {
    return await ports.host.execute(execution, held.startExecution());
  } finally {
    held.endExecution();
    slots.endExecution();
  }
}

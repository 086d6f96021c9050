import type { Invocation } from '#machines/invocation.ts';
import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import { decideWhenFor } from '#src/core/functions/decide-when.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { freeSlot } from './flow-run.ts';
import { afterLoss } from './next-step.ts';
import type { WorkerPorts } from './ports.ts';
import type { SharedSlot } from './shared-slot.ts';

type ProbeOptions = {
  ports: Pick<WorkerPorts, 'executionProbe' | 'clock' | 'payloads'>;
  writer: StreamWriter;
  ledger: SlotLedger;
  /** The slot over all workers that the attempt holds, if it needs one. */
  slotOf: (attempt: number) => SharedSlot | undefined;
};

/** Asks the worker of an attempt whether it runs the attempt. If not, appends the attempt as lost, and frees its slot (EXEC3). */
export async function probeAttempt(
  request: AcceptedRequest,
  invocation: Invocation,
  { ports: { executionProbe, clock, payloads }, writer, ledger, slotOf }: ProbeOptions,
): Promise<'left-unacked' | 'again'> {
  const { worker, attempts } = invocation.context;
  const id = request.fact.invocation;
  const asked = { function: writer.state.name.function, invocation: id, attempt: attempts };
  if (await executionProbe.isRunning(worker ?? '', asked)) return 'left-unacked';
  const why = `worker ${worker} vanished during attempt ${attempts}`;
  await writer.propose(id, afterLoss(invocation, why, { at: clock.now(), decide: decideWhenFor(request, payloads) }));
  const slot = slotOf(attempts);
  if (slot !== undefined) freeSlot({ ledger, invocation: () => writer.state.invocations.get(id) }, slot);
  return 'again';
}

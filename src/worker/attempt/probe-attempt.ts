import type { Invocation } from '#machines/invocation.ts';
import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { isLost } from '#src/core/ports/questions/execution-probe.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { WorkerPorts } from '#src/worker/ports.ts';
import { freeSlot } from '#src/worker/slots/flow-run.ts';
import type { LedgerSlot } from '#src/worker/slots/ledger-slot.ts';
import { afterLoss } from './next-step.ts';

type ProbeOptions = {
  ports: Pick<WorkerPorts, 'executionProbe' | 'clock' | 'payloads'>;
  writer: StreamWriter;
  ledger: SlotLedger;
  /** The slot over all workers that the attempt holds, if it needs one. */
  slotOf: (attempt: number) => LedgerSlot | undefined;
};

/** Asks the worker of an attempt whether it runs the attempt. If it is lost, appends that, and frees its slot (EXEC3, EXEC6). */
export async function probeAttempt(
  request: AcceptedRequest,
  invocation: Invocation,
  { ports: { executionProbe, clock, payloads }, writer, ledger, slotOf }: ProbeOptions,
): Promise<'left-unacked' | 'again'> {
  const { worker, attempts, startedAt, terms } = invocation.context;
  const id = request.fact.invocation;
  const asked = { function: writer.state.name.function, invocation: id, attempt: attempts };
  const answer = await executionProbe.isRunning(worker ?? '', asked);
  const limits = { startedAt: startedAt ?? 0, limitInMs: terms?.timeoutInMs ?? 0, now: clock.now() };
  if (!isLost(answer, limits)) return 'left-unacked';
  const why = `worker ${worker} ${answer === undefined ? 'was silent beyond the time limit of' : 'vanished during'} attempt ${attempts}`;
  await writer.propose(id, afterLoss(invocation, why, { at: clock.now(), decide: decideWhenFor(request, payloads) }));
  const slot = slotOf(attempts);
  if (slot !== undefined) freeSlot({ ledger, invocation: () => writer.state.invocations.get(id) }, slot);
  return 'again';
}

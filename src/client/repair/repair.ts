import type { Invocation } from '#machines/invocation.ts';
import { type FindStreamOptions, findStream, type Owner } from '#src/client/history/find-stream.ts';
import { openTexts } from '#src/core/encryption/open-texts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { type DeadLetter, type FailedInvocation, type RepairFilter, scanDeadLetters, scanFailures } from './failures.ts';
import { createRedriver, type Redriver } from './redrive.ts';
import { createDeliverySettler, type DeliverySettler } from './settle-deliveries.ts';

/**
 * Finds failures, and redrives them. The failures are folded from the log, so no queue can lose one.
 *
 * Several functions may have an invocation with the same id. Without `function`, both ways to redrive then throw `AmbiguousIdError`.
 *
 * @example
 * import { connectClient } from 'sequent-functions/client';
 *
 * await using client = await connectClient();
 * const anHourAgo = Date.now() - 3_600_000;
 * for (const { requestId, function: name } of await client.repair.failures({ function: 'orders', since: anHourAgo })) {
 *   await client.repair.redriveOnce(requestId, { function: name });
 * }
 * for (const { requestId, destination } of await client.repair.deadLetters()) await client.repair.redeliver(requestId, destination);
 */
export interface Repair extends DeliverySettler, Redriver {
  /** The deliveries that are dead, and were neither redriven nor dismissed since. Reads the whole log. Throws `NatsUnavailableError`. */
  deadLetters(filter?: RepairFilter): Promise<DeadLetter[]>;
  /** The invocations that failed and were not redriven since. Reads the whole log. Throws `NatsUnavailableError`. */
  failures(filter?: RepairFilter): Promise<FailedInvocation[]>;
}

export type RepairOptions = FindStreamOptions & {
  log: EventLog;
  /** Opens what failures say, and seals payloads. */
  payloads?: PayloadSealer;
  /** Copies the large payload of an invocation that is redriven. */
  large?: Pick<LargePayloads, 'copy'>;
  hints: Hints;
  clock: Clock;
  by: string;
  appendId: () => string;
};

export function createRepair(options: RepairOptions): Repair {
  const { log, payloads } = options;
  async function open(id: string, owner: Owner): Promise<{ state: StreamState; invocation: Invocation }> {
    const state = await loadStream(log, await findStream(id, owner, options));
    const invocation = state?.invocations.get(id);
    if (state === undefined || invocation === undefined) throw new InvocationNotFoundError({ id });
    return { state, invocation };
  }

  return {
    async deadLetters(filter = {}) {
      const dead = openTexts(payloads, await scanDeadLetters(log, filter), '');
      // A sealed reason can be compared only after it was opened.
      const part = filter.reason?.toLowerCase();
      return part === undefined ? dead : dead.filter(({ reason }) => reason.toLowerCase().includes(part));
    },
    failures: async (filter = {}) => openTexts(payloads, await scanFailures(log, filter), ''),

    ...createDeliverySettler({ ...options, open }),
    ...createRedriver({ ...options, open }),
  };
}

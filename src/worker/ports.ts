import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Results } from '#src/core/log/results.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { Cancellations } from '#src/core/ports/questions/cancellations.ts';
import type { ExecutionProbe } from '#src/core/ports/questions/execution-probe.ts';
import type { LiveOutput } from '#src/core/ports/questions/live-output.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { WorkQueue } from '#src/core/stream/work-queue.ts';

/** The ports and settings of a worker. */
export type WorkerPorts = {
  /** The name of this worker, which the log records. Unique among all workers of all times. */
  worker: string;
  tenancy: Tenancy;
  /** The maximum number of hops of a chain (L1). */
  maxHops: number;
  /** The maximum number of invocations that follow from one, in all branches of its chain together (L2). */
  maxChain: number;
  /** Whether a request with an empty payload runs with the event `{}`, which is the default, or is refused. */
  emptyPayload?: 'json' | 'refuse' | undefined;
  log: EventLog;
  queue: WorkQueue;
  host: FunctionHost;
  /** Refuses requests that must not run, and opens what a `when` compares. The host opens and seals payloads. */
  payloads?: PayloadSealer | undefined;
  results: Results;
  hints: Hints;
  /** The deliverer of this process, if it has one. */
  deliverer?: LocalDeliverer | undefined;
  /** Reads a function from the registry. Throws `FunctionNotFoundError`. */
  findFunction: (name: string) => Promise<FunctionEntry>;
  /** The entries of the ledger of slots that functions share over all workers. */
  flow: KeyValue;
  executionProbe: ExecutionProbe;
  cancellations: Cancellations;
  /** Tells readers what running attempts print. Without it, output is shown when an attempt has ended. */
  liveOutput?: Pick<LiveOutput, 'answer'> | undefined;
  clock: Clock;
  logger: Logger;
  appendId: () => string;
};

import { type Failure, MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { messageOf, PayloadUnavailableError } from '#src/core/errors.ts';
import { type FunctionDefinition, maxPayloadBytesOf } from '#src/core/functions/definition.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import { isReference, parseReference } from '#src/core/payloads/payload-reference.ts';
import type {
  Execution,
  ExecutionEvent,
  ExecutionResult,
  ExecutionSignal,
  FunctionHost,
  HostLayer,
} from '#src/core/ports/function-host.ts';
import { type Logger, silentLogger } from '#src/core/ports/logger.ts';
import type { PayloadOwner } from '#src/core/ports/stores/payload-store.ts';
import { aborted, failed, unavailable } from '#src/hosts/failures.ts';
import { MAX_RESULT_BYTES } from '#src/hosts/runtime/outcome.mjs';
import { ByteBudget } from './byte-budget.ts';

/** The large payloads that a worker holds at one moment. One of 64 MB takes up to four times its size while it is passed on. */
const MAX_BYTES_AT_ONCE = 128 * 1_024 * 1_024;

/**
 * Reads a large payload for the execution that needs it, and compares it with its digest (BIG3); stores a large returned value, and the whole
 * output of a function that keeps it, before the end of the attempt is appended (BIG1). Any other
 * execution does not need the layer.
 *
 * The payloads in memory are bounded, whatever the concurrency is: an execution whose payload finds no place waits, before its timeout
 * starts. A payload that is missing or damaged is a failure of the platform: the attempt is made again later.
 */
export function createFetchingLayer(
  large: Pick<LargePayloads, 'fetch' | 'store'>,
  { logger = silentLogger, maxBytesAtOnce = MAX_BYTES_AT_ONCE }: { logger?: Logger; maxBytesAtOnce?: number } = {},
): HostLayer {
  const budget = new ByteBudget(maxBytesAtOnce);

  async function executeFetched(execution: Execution, signal: ExecutionSignal, run: FunctionHost['execute']): Promise<ExecutionResult> {
    const release = await budget.take(Math.min(sizeOf(execution), maxBytesAtOnce), signal);
    if (release === undefined) return failed(aborted());
    try {
      return await run(await fetched(execution), signal);
    } catch (error) {
      return failed(error instanceof PayloadUnavailableError ? payloadUnavailable(error) : unavailable(messageOf(error)));
    } finally {
      release();
    }
  }

  async function fetched({ events, ...execution }: Execution): Promise<Execution> {
    const { name } = execution.definition;
    const fetch = async (invocation: PayloadOwner['invocation'], payload: string): Promise<string> =>
      isReference(payload) ? await large.fetch({ function: name, invocation }, payload) : payload;
    if (events === undefined) return { ...execution, payload: await fetch(execution.requestId, execution.payload) };
    const read: ExecutionEvent[] = [];
    for (const event of events) read.push({ ...event, payload: await fetch(event.requestId, event.payload) });
    return { ...execution, payload: read.at(-1)?.payload ?? '', events: read };
  }

  /** Stores a returned value that is too large for the log. One that the store refuses becomes an empty value (SRC9). */
  async function storeValue(execution: Execution, result: ExecutionResult): Promise<ExecutionResult> {
    const bytes = result.kind === 'returned' ? Buffer.byteLength(result.payload) : 0;
    const isKept = bytes > MAX_PAYLOAD_BYTES && bytes <= Math.min(MAX_RESULT_BYTES, maxPayloadBytesOf(execution.definition));
    if (result.kind !== 'returned' || !isKept) return result;
    try {
      const reference = await large.store(ownerOf(execution), result.payload);
      return { ...result, payload: '', stored: { reference, bytes } };
    } catch {
      return result;
    }
  }

  /** Stores the whole output. Of one that the store refuses, the log keeps the end alone, and the log of the worker says why. */
  async function storeOutput(execution: Execution, { wholeOutput, ...result }: ExecutionResult): Promise<ExecutionResult> {
    if (wholeOutput === undefined) return result;
    try {
      const reference = await large.store(ownerOf(execution), wholeOutput.text);
      return { ...result, storedOutput: { reference, ...(wholeOutput.isCut ? { isCut: true } : {}) } };
    } catch (error) {
      const { function: name, invocation } = ownerOf(execution);
      const facts = { function: name, invocation, attempt: execution.attempt, error: messageOf(error) };
      logger.warn(facts, 'the whole output of an attempt could not be stored, so its last 4 KB are kept alone');
      return result;
    }
  }

  return {
    needs: (execution) => keepsMore(execution.definition) || refersToObjects(execution),
    async execute(execution, signal, run) {
      const result = await (refersToObjects(execution) ? executeFetched(execution, signal, run) : run(execution, signal));
      return await storeOutput(execution, await storeValue(execution, result));
    },
  };
}

/** Whether an execution of the function may leave an object in the store. */
function keepsMore({ maxPayloadBytes, maxOutputBytes }: FunctionDefinition): boolean {
  return maxPayloadBytes !== undefined || maxOutputBytes !== undefined;
}

function refersToObjects({ payload, events }: Execution): boolean {
  return isReference(payload) || (events?.some((event) => isReference(event.payload)) ?? false);
}

/** The size of the large payloads of an execution. */
function sizeOf({
  payload,
  events = [{ payload }],
}: Pick<Execution, 'payload'> & { events?: readonly Pick<Execution, 'payload'>[] }): number {
  return events.reduce((sum, event) => sum + (parseReference(event.payload)?.bytes ?? 0), 0);
}

function ownerOf({ definition, requestId }: Execution): PayloadOwner {
  return { function: definition.name, invocation: requestId };
}

function payloadUnavailable({ message }: PayloadUnavailableError): Failure {
  return { kind: 'platform', code: 161_900, errorType: 'PayloadUnavailable', message };
}

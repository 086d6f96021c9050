import { hasLimits } from '#src/core/functions/flow.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import type { FindOpen } from '#src/core/ports/questions/open-requests.ts';
import { AwakeFunctions } from '#src/core/stream/awake-functions.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';

/** No stream has this id, so that a question for it is answered when the log was read. */
const NO_STREAM = '_' as StreamId;

/**
 * Opens and removes the consumers of functions until the signal aborts (CONS1 to CONS4), and says to the workers that it does (CONS5).
 *
 * Returns what takes the messages of the log, `undefined` for a queue that needs no consumers.
 */
export function wakeFunctions(options: SchedulerOptions, findOpen: FindOpen, signal: AbortSignal): AwakeFunctions | undefined {
  const { workConsumers: consumers, functions } = options;
  if (consumers === undefined) return undefined;
  const exists = (name: FunctionName): boolean => functions.get(name) !== undefined;
  // The worker of such a function needs it: a waiting attempt has no item (SLOT6).
  const keeps = (name: FunctionName): boolean => hasLimits(functions.get(name)?.definition.flow);
  const awake = new AwakeFunctions({ ...options, consumers, exists, keeps, signal });
  // The requests of the functions that exist already are read from the log.
  functions.onChange?.((name) => signal.aborted || awake.changed(name));
  void awake.keep();
  consumers.answerCovered(() => findOpen(NO_STREAM, undefined), signal);
  return awake;
}

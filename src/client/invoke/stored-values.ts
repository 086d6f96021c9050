import type { Timeline } from '#src/client/history/invocations.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import type { FunctionDirectory } from '#src/functions/directory.ts';
import { type Result, toResult } from './results.ts';

/** Reads returned values that are stored beside the log, which an envelope does not have (SRC9). */
export interface StoredValues {
  /** The returned text of an invocation, or the error as in its envelope; `undefined` without an outcome. Throws `PayloadUnavailableError`. */
  read(timeline: Pick<Timeline, 'requestId' | 'function' | 'transitions' | 'envelope'>): Promise<string | undefined>;
  /** The result with its value. A function that keeps no large payloads costs no read. Throws `PayloadUnavailableError`. */
  complete(result: Result, name: string): Promise<Result>;
}

type Options = {
  large: Pick<LargePayloads, 'fetch'>;
  directory: Pick<FunctionDirectory, 'get'> | undefined;
  readTimeline: (id: string, name: string) => Promise<Timeline>;
};

export function createStoredValues({ large, directory, readTimeline }: Options): StoredValues {
  function keepsLarge(name: string): boolean {
    const entry = directory?.get(name as FunctionName);
    return entry !== undefined && [entry, ...entry.versions].some(({ definition }) => definition.maxPayloadBytes !== undefined);
  }

  const read: StoredValues['read'] = async ({ requestId, function: name, transitions, envelope }) => {
    for (const { fact } of transitions)
      if (fact.type === 'succeeded' && fact.stored !== undefined)
        return await large.fetch({ function: name, invocation: requestId }, fact.stored);
    return envelope?.response_payload;
  };

  return {
    read,
    async complete(result, name) {
      const { requestId, outcome, envelope } = result;
      if (outcome === 'failed' || envelope.response_payload !== '' || !keepsLarge(name)) return result;
      return toResult(envelope, await read(await readTimeline(requestId, name)));
    },
  };
}

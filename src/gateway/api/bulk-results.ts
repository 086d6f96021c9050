import { messageOf, SequentError } from '#src/core/errors.ts';
import type { BulkView } from './schemas/repair.ts';

export type Done = BulkView['done'][number];
type Result = { done: Done } | { failed: BulkView['failed'][number] };

/** Performs one action of a bulk request. A `SequentError` is reported as the failure of that action; another error ends the request. */
export async function attempt(subject: Pick<Done, 'request_id' | 'destination_id'>, action: () => Promise<Done>): Promise<Result> {
  try {
    return { done: await action() };
  } catch (error) {
    if (!(error instanceof SequentError)) throw error;
    return { failed: { ...subject, code: error.code, detail: messageOf(error) } };
  }
}

export function groupResults(results: readonly Result[]): Pick<BulkView, 'done' | 'failed'> {
  return {
    done: results.flatMap((result) => ('done' in result ? [result.done] : [])),
    failed: results.flatMap((result) => ('failed' in result ? [result.failed] : [])),
  };
}

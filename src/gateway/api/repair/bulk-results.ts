import { SequentError } from '#src/core/errors.ts';
import type { Scope } from '../../scope.ts';
import type { BulkView } from './repair-schemas.ts';

export type Done = BulkView['done'][number];
type Subject = Pick<Done, 'request_id' | 'destination_id'>;
type Result = { done: Done | undefined } | { failed: Subject; error: SequentError };

/**
 * Performs one action of a bulk request. A `SequentError` is reported as the failure of that action; another error ends the request. An action
 * that resolves to `undefined` left its subject out.
 */
export async function attempt(subject: Subject, action: () => Promise<Done | undefined>): Promise<Result> {
  try {
    return { done: await action() };
  } catch (error) {
    if (!(error instanceof SequentError)) throw error;
    return { failed: subject, error };
  }
}

export function groupResults(results: readonly Result[], { nameOf }: Scope): Pick<BulkView, 'done' | 'failed'> {
  return {
    done: results.flatMap((result) => ('done' in result ? (result.done ?? []) : [])),
    failed: results.flatMap((result) =>
      'failed' in result ? [{ ...result.failed, code: result.error.code, detail: result.error.messageFor(nameOf) }] : [],
    ),
  };
}

import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import { withQuery } from '../../api/http.ts';
import { paths } from '../../shell/router.tsx';

/** The fields of a recorded filter that the list has under the same name, or under another one. */
const listFields: Readonly<Record<string, string>> = {
  function: 'function',
  qualifier: 'qualifier',
  version: 'version',
  condition: 'condition',
  status: 'status',
  root: 'root',
  parent: 'parent',
  batch: 'batch',
  schedule: 'schedule',
  text: 'text',
  redriveOf: 'redrive_of',
  waitsKey: 'flow_key',
  waitsKind: 'wait_kind',
  priority: 'priority',
  minAttempts: 'min_attempts',
  minDurationInMs: 'min_duration_ms',
};

/**
 * The list of the invocations of an operation; `undefined` for one whose invocations were named, and for a purge, which leaves none.
 *
 * The action changed the states of the invocations, so the list does not filter by state. A cancelled invocation has a condition.
 */
export function operationListPath({ action, filter }: Pick<BulkOperationView, 'action' | 'filter'>): string | undefined {
  if (filter === undefined || (action !== 'redrive' && action !== 'cancel')) return undefined;
  const { since, until, status, ...rest } = filter;
  const kept =
    action === 'cancel' ? { ...rest, condition: 'InvocationCanceled' } : { ...rest, ...(status === undefined ? {} : { status }) };
  const fields = Object.entries(kept).flatMap(([name, value]) => {
    const field = listFields[name];
    return field === undefined ? [] : [[field, Array.isArray(value) ? value.join(',') : String(value)]];
  });
  return withQuery(paths.invocations, { ...Object.fromEntries(fields), from: momentOf(since), to: momentOf(until) });
}

function momentOf(value: unknown): string | undefined {
  return typeof value === 'number' ? new Date(value).toISOString() : undefined;
}

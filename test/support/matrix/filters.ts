/* The filters of invocations in the bodies of the matrix. */

const named = 'function qualifier version root parent redrive_of batch schedule waits_for flow_key text'.split(' ');

/** A filter for each field that can name something of a project. */
export const filtersWith = (value: string): object[] => named.map((field) => ({ [field]: value }));

/** Filters without a name of a function, an invocation or a key. */
export const filtersOfAll = [{ min_attempts: 0, min_duration_ms: 0, priority: 4 }, { wait_kind: ['slot', 'rate', 'debounce'] }];

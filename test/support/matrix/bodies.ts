/** The aliases that name a value of the victim as a version, as the main one and as a canary that promotes itself. */
export function aliasesWith(value: string): object[] {
  // A name of a version has at most 64 characters.
  const version = value.slice(0, 64);
  return [
    { version },
    { version: 'v1', description: value, weights: { [version]: 10 } },
    { version: 'v1', weights: { [version]: 10 }, auto: { promote_after: 20, margin: 2 } },
    { version, weights: { v1: 10 }, auto: { promote_after: 20, margin: 2 } },
  ];
}

/** The log of the asynchronous status, with a value in each field. */
export const logOf = (value: string) => ({
  enable_async_status_log: true,
  log_group_id: value,
  log_group_name: value,
  log_stream_id: value,
  log_stream_name: value,
});

/** Bulk requests that name invocations instead of a filter. */
export const namedWith = (value: string, ownFunction: string): object[] => [
  { invocations: [{ request_id: 'mine-1', function: value }] },
  { invocations: [{ request_id: value.replaceAll(/[^\w-]/g, '-').slice(0, 64), function: ownFunction }] },
];

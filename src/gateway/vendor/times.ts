/** RFC 3339 in whole seconds, as the vendor's tools demand. */
export function inSeconds(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Of what was not configured through this API nobody wrote down the time. */
export const UNKNOWN_TIME = inSeconds(0);

/** RFC 3339 in whole seconds, as the vendor's tools demand. */
export function inSeconds(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Of what was not configured through this API nobody wrote down the time. */
export const UNKNOWN_TIME = inSeconds(0);

/** The times of the lists: UTC, in whole seconds, without saying so. */
export function withoutZone(at: number): string {
  return new Date(at).toISOString().slice(0, 19);
}

/** Reads such a time; `undefined` for what is none. */
export function parseMoment(text: string): number | undefined {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  // A day that a month does not have is no other day.
  return Number.isNaN(at) || withoutZone(at) !== text ? undefined : at;
}

/** The time in RFC 3339 with whole seconds, as the vendor's tools require. */
export function inSeconds(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** The time of a change that was made without this API, and therefore not recorded. */
export const UNKNOWN_TIME = inSeconds(0);

/** The time in the form of the vendor's lists: UTC, in whole seconds, without a time zone. */
export function withoutZone(at: number): string {
  return new Date(at).toISOString().slice(0, 19);
}

/** Parses a time in that form; `undefined` for any other text. */
export function parseMoment(text: string): number | undefined {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  // `Date.parse` turns February 30 into March 2; the comparison refuses such a day.
  return Number.isNaN(at) || withoutZone(at) !== text ? undefined : at;
}

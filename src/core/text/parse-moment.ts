/** The milliseconds since the epoch of a moment in ISO 8601, such as `2026-01-31` or `2026-01-31T12:00:00Z`; `undefined` if the text is none. */
export function parseMoment(text: string): number | undefined {
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

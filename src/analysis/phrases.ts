/** A time in UTC, because the log is read in many time zones. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number === 0 ? 'no' : number} ${number === 1 ? one : many}`;
}

/** Adds a full stop where a message of an error has none. */
export function withFullStop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A moment, in UTC: the log is read in many places. */
export function moment(at: number): string {
  return new Date(at).toISOString();
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number === 0 ? 'no' : number} ${number === 1 ? one : many}`;
}

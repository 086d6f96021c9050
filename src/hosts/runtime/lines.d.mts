/**
 * Calls `onLine` for every complete line. The returned function is false once an incomplete line is longer than `isAllowed` permits, which is
 * asked with the beginning and the present length of a line of more than 64 KB.
 */
export function splitLines(
  onLine: (line: string) => void,
  isAllowed?: (start: string, length: number) => boolean,
): (chunk: string) => boolean;

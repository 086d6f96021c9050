/** Calls `onLine` for every complete line. The returned function is false once an incomplete line exceeds the limit. */
export function splitLines(onLine: (line: string) => void, limit?: number): (chunk: string) => boolean;

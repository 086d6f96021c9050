/** Calls `onLine` for every complete line. The returned function says whether the rest is still within the limit. */
export function splitLines(onLine: (line: string) => void, limit?: number): (chunk: string) => boolean;

/** The last part of a text, at most `limit` bytes of UTF-8 (by default 4,096), cut between characters. */
export function lastBytes(text: string, limit?: number): string;

/** How many bytes of output a host keeps until {@link lastBytes} cuts them for the log. */
export const KEPT_BYTES: number;

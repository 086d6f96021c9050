/** The last part of a text, at most `limit` bytes of UTF-8 (by default 4,096), cut between characters. */
export function lastBytes(text: string, limit?: number): string;

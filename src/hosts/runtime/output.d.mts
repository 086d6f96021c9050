/** The last part of a text, at most `limit` bytes of UTF-8 (by default 4,096), cut between characters. */
export function lastBytes(text: string, limit?: number): string;

/** The output so far and a further part of it, of which at least `limit` bytes are kept. */
export function appendOutput(output: string, text: string, limit?: number): string;

/** How many bytes of output a host keeps of an execution of this function, until {@link lastBytes} cuts them. */
export function keptBytesOf(definition: { maxOutputBytes?: number | undefined }): number;

/** How many bytes of output a host keeps by default until {@link lastBytes} cuts them for the log. */
export const KEPT_BYTES: number;

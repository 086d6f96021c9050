/** How many bytes of the end of its output the fact of an attempt holds, as `src/hosts/runtime/output.mjs` cuts it. */
export const MAX_TAIL_BYTES = 4_096;

/** The maximum of a function's `maxOutputBytes`: secrets in an output are found in one pass, which occupies the worker. */
export const MAX_WHOLE_OUTPUT_BYTES = 4_194_304;

/** A cut between two characters of UTF-8 may leave up to three bytes less. */
export function isCutTail(output: string): boolean {
  return Buffer.byteLength(output) >= MAX_TAIL_BYTES - 3;
}

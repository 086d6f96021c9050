/** The key of a batch. The key of a line appends the number of the line. Both fit into a request id. */
const KEY = /^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$/;

/** What a key of a batch must be, as the end of a sentence. */
export const KEY_RULE = 'must be 1 to 50 letters, digits, "-" or "_", and start with a letter or digit';

export function isBatchKey(key: string): boolean {
  return KEY.test(key);
}

/** The idempotency key of one line. A repetition of the batch gives the line the same key, so the line starts one invocation. */
export function lineKey(key: string, number: number): string {
  return `${key}-${number}`;
}

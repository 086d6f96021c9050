/** The host puts these words before the message of every error that a function throws. Short texts leave them out. */
const PREFIX = 'function invocation exception, error: ';

/** The message of a failure without the words that all of them share. */
export function failureSummary(message: string): string {
  return message.replace(PREFIX, '');
}

/** The host says of everything that a function throws that it is an exception: where there is little room, only what differs is told. */
const same = 'function invocation exception, error: ';

export function failureWords(message: string): string {
  return message.replace(same, '');
}

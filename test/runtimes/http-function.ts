import type { Failure } from './case.ts';
import type { Frame } from './drive.ts';

/*
 * An HTTP function keeps the protocol with what HTTP has: a value comes in the envelope of API Gateway, and an error is a status.
 */

/** The frames of an HTTP function as the cases know them: the value is the body of the answer, and the message has no status. */
export function translateHttp(frame: Frame): Frame {
  const [type, id, content, ...rest] = frame;
  if (type === 'returned' && content !== '') return [type, id, (JSON.parse(String(content)) as { body: string }).body, ...rest];
  if (type !== 'failed') return frame;
  const failure = content as Failure;
  return [type, id, { ...failure, message: failure.message.replace('the server answered 500: ', '') }, ...rest];
}

const ENVELOPE = 'the value comes in an envelope with the headers of the answer, and JSON escapes it twice';
const NO_DESCRIPTION = 'a server that does not start describes no error: its output says why';

/** The cases that an HTTP function cannot pass, with the reason. */
export const notOfHttp: Readonly<Record<string, string>> = {
  'a missing function': NO_DESCRIPTION,
  'an initializer that fails': NO_DESCRIPTION,
  'a missing initializer': NO_DESCRIPTION,
  'a value at the limit arrives in full': ENVELOPE,
  'a value that JSON escapes much is sent in base64': ENVELOPE,
  'an error has the frames of the handler': 'a status has no frames',
  'an error says that no attempt follows': 'no header says so',
  'an abort reaches the handler that runs': 'the connection of an aborted request closes, so that nobody reads its answer',
};

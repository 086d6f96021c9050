import type { SequentClient } from '#src/client/client.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import { CommandError, exitCodes, usageProblem } from '../problem.ts';
import { say } from '../texts/say.ts';

/** The help of an argument that {@link namedInvocation} reads. */
export const INVOCATION_ARGUMENT = 'the request id, or a sequence of the log: 40 or @40';

type Owner = { function?: string };

/**
 * The invocation that an argument names: by its request id, or by the sequence of one of its messages in the log, as a publisher receives it
 * in the acknowledgement. `@40` is always a sequence; `40` is a request id if an invocation has it.
 *
 * Throws `CommandError` when the log holds no such message, or when the message holds several invocations.
 */
export async function namedInvocation(client: SequentClient, text: string, owner: Owner): Promise<{ id: string; owner: Owner }> {
  const [, marker, digits] = /^(@?)(\d{1,15})$/.exec(text) ?? [];
  if (digits === undefined || (marker === '' && (await exists(client, text, owner)))) return { id: text, owner };
  const found = await client.invocationsAt(Number(digits));
  const [only] = found;
  if (only === undefined) throw notFound(text, digits);
  if (found.length > 1) {
    const ids = found.slice(0, 10).map(({ requestId }) => requestId);
    throw usageProblem(`message ${digits} of the log holds ${found.length} invocations`, 'it is a batch', `one of ${ids.join(', ')}`);
  }
  return { id: only.requestId, owner: { function: only.function } };
}

async function exists(client: SequentClient, id: string, owner: Owner): Promise<boolean> {
  try {
    await client.timeline(id, owner);
    return true;
  } catch (error) {
    // The command reports another error, such as an ambiguous id.
    return !(error instanceof InvocationNotFoundError);
  }
}

function notFound(text: string, digits: string): CommandError {
  const why = `no invocation has this id, and message ${digits} of the log is missing or about no invocation`;
  return new CommandError({
    code: 'INVOCATION_NOT_FOUND',
    exitCode: exitCodes.notFound,
    what: say('there is no invocation "{id}"', { id: text }),
    why,
    remedy: 'sequent ls, which lists invocations',
  });
}

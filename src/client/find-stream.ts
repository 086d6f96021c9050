import { AmbiguousIdError, HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import type { History } from '#src/core/history-questions.ts';
import type { EventLog, StreamName } from '#src/core/log/event-log.ts';
import { isCreatedId, streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, parseRequestId, splitName } from '#src/core/names/names.ts';
import type { OpenRequests } from '#src/core/ports/open-requests.ts';

/**
 * The owner of an id. An id names an invocation only together with its function, because callers choose ids.
 *
 * With `project`, invocations of other projects count as absent; it is empty for the own project.
 */
export type Owner = { function?: string | undefined; project?: string | undefined };

export type FindStreamOptions = {
  log: Pick<EventLog, 'findAll'>;
  /** Finds requests that have no append yet. */
  findQueued: OpenRequests['find'];
  /** Finds invocations that were purged from the log. Without it, they are absent. */
  history?: History | undefined;
};

/** How long a read model may take when the log has the id already. An id that the log lacks may be known to a read model alone. */
const ASK_BESIDE_LOG_WITHIN_MS = 2_000;

/**
 * Finds the stream of an invocation by its id and its owner (ID1).
 *
 * Throws `InvalidInputError` for an invalid id, `InvocationNotFoundError`, and `AmbiguousIdError` with the functions of the owner's project
 * that have an invocation of the id.
 */
export async function findStream(id: string, owner: Owner, options: FindStreamOptions): Promise<StreamName> {
  const stream = streamOf(parseRequestId(id));
  const isVisible = (name: string): boolean => owner.project === undefined || (splitName(name).project ?? '') === owner.project;
  if (owner.function !== undefined) {
    const name = parseFunctionName(owner.function);
    if (!isVisible(name)) throw new InvocationNotFoundError({ id });
    return { function: name, stream };
  }
  const logged = (await options.log.findAll(stream)).map((name) => name.function).filter(isVisible);
  // Only one message of the log has an id that Sequent created.
  const isComplete = logged.length > 0 && isCreatedId(id);
  const patience = logged.length > 0 ? { timeoutInMs: ASK_BESIDE_LOG_WITHIN_MS } : {};
  const others = isComplete ? [] : await Promise.all([queuedIn(stream, options), archivedIn(id, { owner, patience, ...options })]);
  const functions = [...new Set([...logged, ...others.flat().filter(isVisible)])].sort();
  const [only] = functions;
  if (only === undefined) throw new InvocationNotFoundError({ id });
  if (functions.length > 1) throw new AmbiguousIdError({ id, functions });
  return { function: only, stream };
}

async function queuedIn(stream: StreamName['stream'], { findQueued }: FindStreamOptions): Promise<FunctionName[]> {
  return (await findQueued(stream)).map(({ name }) => name.function);
}

type Archived = Pick<FindStreamOptions, 'history'> & { owner: Owner; patience: { timeoutInMs?: number } };

async function archivedIn(id: string, { history, owner: { project }, patience }: Archived): Promise<FunctionName[]> {
  if (history === undefined) return [];
  const query = { id, limit: 500, ...(project === undefined ? {} : { project }) };
  try {
    const { invocations } = await history.ask('list', query, patience);
    return invocations.map((found) => found.function as FunctionName);
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return [];
    throw error;
  }
}

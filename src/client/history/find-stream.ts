import { AmbiguousIdError, HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import type { History } from '#src/core/history-questions.ts';
import type { EventLog, StreamName } from '#src/core/log/event-log.ts';
import { isCreatedId, streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, parseRequestId, splitName } from '#src/core/names/names.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import type { OpenRequests } from '#src/core/ports/questions/open-requests.ts';

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
 * that have an invocation of the id. Throws `NoAnswerError` or `HistoryUnavailableError` when a process that may know the id does not answer
 * (A1).
 */
export async function findStream(id: string, owner: Owner, options: FindStreamOptions): Promise<StreamName> {
  const stream = streamOf(parseRequestId(id));
  const isVisible = (name: string): boolean => owner.project === undefined || (splitName(name).project ?? '') === owner.project;
  if (owner.function !== undefined) {
    const name = parseFunctionName(owner.function);
    if (!isVisible(name)) throw new InvocationNotFoundError({ id });
    return { function: name, stream };
  }
  const readLog = async (): Promise<FunctionName[]> => (await options.log.findAll(stream)).map((name) => name.function).filter(isVisible);
  const logged = await readLog();
  // Only one message of the log has an id that Sequent created.
  const isComplete = logged.length > 0 && isCreatedId(id);
  const asking = { owner, patience: logged.length > 0 ? { timeoutInMs: ASK_BESIDE_LOG_WITHIN_MS } : {}, ...options };
  const answers = isComplete ? [] : await Promise.all([queuedIn(stream, asking), archivedIn(id, asking)]);
  const known = [...logged, ...answers.flatMap((answer) => answer.functions).filter(isVisible)];
  // A worker may have ended the invocation after the first reading of the log. The scheduler then no longer has it, and a read model not yet.
  const functions = [...new Set(known.length > 0 ? known : await readLog())].sort();
  const [only] = functions;
  if (only === undefined) throw answers.find(({ silence }) => silence !== undefined)?.silence ?? new InvocationNotFoundError({ id });
  if (functions.length > 1) throw new AmbiguousIdError({ id, functions });
  return { function: only, stream };
}

type Asking = Pick<FindStreamOptions, 'findQueued' | 'history'> & { owner: Owner; patience: { timeoutInMs?: number } };

/** The functions that a role knows for an id. `silence`: the role may know more, and did not answer. */
type Answer = { functions: FunctionName[]; silence?: Error };

async function queuedIn(stream: StreamName['stream'], { findQueued, patience }: Asking): Promise<Answer> {
  try {
    return { functions: (await findQueued(stream, undefined, patience)).map(({ name }) => name.function) };
  } catch (error) {
    if (error instanceof NoAnswerError) return { functions: [], silence: error };
    throw error;
  }
}

async function archivedIn(id: string, { history, owner: { project }, patience }: Asking): Promise<Answer> {
  if (history === undefined) return { functions: [] };
  const query = { id, limit: 500, ...(project === undefined ? {} : { project }) };
  try {
    const { invocations } = await history.ask('list', query, patience);
    return { functions: invocations.map((found) => found.function as FunctionName) };
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return { functions: [], ...(error.isAbsent ? {} : { silence: error }) };
    throw error;
  }
}

import { FunctionNotFoundError, HistoryUnavailableError, messageOf, NatsUnavailableError, SequentError } from '#src/core/errors.ts';
import { isUnanswered, type NatsFailure, natsFailureOf } from '#src/core/no-answer-error.ts';

/** The documented exit codes. They are never renumbered. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  auth: 5,
  unreachable: 6,
  timedOut: 7,
  /** A plan that would change something. */
  differences: 8,
  /** `DEFECT_EXIT_CODE` of a `sequent serve` process. */
  defect: 70,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A problem as a person reads it: what happened, why, and the command to try. */
export type Problem = { code: string; exitCode: ExitCode; what: string; why: string; remedy: string };

/** Ends a command with a problem. */
export class CommandError extends SequentError {
  readonly code: string;
  readonly retryable = false;
  readonly problem: Problem;
  constructor(problem: Problem, options?: ErrorOptions) {
    super(`${problem.what}: ${problem.why}`, options);
    this.code = problem.code;
    this.problem = problem;
  }
}

export function usageProblem(what: string, why: string, remedy: string): CommandError {
  return new CommandError({ code: 'USAGE', exitCode: exitCodes.usage, what, why, remedy });
}

type Verdict = { exitCode: ExitCode; what: string; remedy: string };

function verdict(exit: keyof typeof exitCodes, what: string, remedy: string): Verdict {
  return { exitCode: exitCodes[exit], what, remedy };
}

const notPermitted = verdict(
  'auth',
  'NATS does not permit this',
  'the permissions of this user in the configuration of the nats-server, or another user: --context, NATS_CREDS',
);

/** The exit code, title and remedy of each error code of Sequent. */
const verdicts: Record<string, Verdict> = {
  INVALID_INPUT: verdict('usage', 'the input is not valid', 'the same command with --help'),
  INVALID_CONFIGURATION: verdict('usage', 'a setting is not valid', 'sequent serve --help, which lists all settings'),
  FUNCTION_NOT_FOUND: verdict('notFound', 'no such function', 'sequent fn ls'),
  SCHEDULE_NOT_FOUND: verdict('notFound', 'no such schedule', 'sequent schedule ls'),
  BATCH_NOT_FOUND: verdict('notFound', 'no such batch', 'sequent batch ls'),
  INVOCATION_NOT_FOUND: verdict('notFound', 'no such invocation', 'sequent tail'),
  AMBIGUOUS_ID: verdict('usage', 'the id alone names no invocation', 'the same command with --function <name>'),
  HISTORY_UNAVAILABLE: verdict(
    'unreachable',
    'no projection answers',
    'sequent serve --role projection, or read the log itself: sequent timeline <id>',
  ),
  VERSION_REFUSED: verdict(
    'conflict',
    'the versions and aliases of the function do not allow this',
    'sequent fn versions <function>, which shows versions and aliases',
  ),
  CONFLICT: verdict('conflict', 'it was changed meanwhile', 'read the current state, then repeat the command'),
  WRONG_STATE: verdict('conflict', 'its state does not allow this', 'sequent timeline <id>, which shows the state'),
  KEY_MISSING: verdict(
    'auth',
    'the payloads are encrypted',
    'the same command with SEQUENT_ENCRYPTION_KEY=<file>, or the keys for the processes of Sequent',
  ),
  PROJECT_ERASED: verdict('conflict', 'the project was erased', 'sequent project encrypt <project>, for new payloads'),
  NATS_UNAVAILABLE: verdict(
    'unreachable',
    'NATS is not available',
    '"sequent serve --start-server", npm start in a clone, or name the NATS of a running Sequent with --server',
  ),
  STREAM_REFUSED: verdict('failed', 'a limit of the NATS account is too low', 'nats account info, which shows the limits'),
  SNAPSHOT_FAILED: verdict('failed', 'the backup or the restore failed', 'sequent doctor, then the same command again'),
  NATS_SERVER_NOT_FOUND: verdict('unreachable', 'no nats-server was found', 'one of the commands above'),
  NATS_SERVER_START_FAILED: verdict(
    'unreachable',
    'the nats-server did not start',
    'another folder with --data, or read nats/nats-server.log in it',
  ),
  NATS_SERVER_SILENT: verdict(
    'unreachable',
    'the NATS server of the data folder does not answer',
    'kill -CONT <process>, if it was stopped; else kill -9 <process>: a running Sequent starts it again on the same data',
  ),
  NATS_SERVER_ENDED: verdict(
    'unreachable',
    'the NATS server of the data folder does not run',
    'npm start or "sequent serve --start-server" on that folder; another server with --server, such as nats://127.0.0.1:4222',
  ),
  NATS_TOO_OLD: verdict(
    'unreachable',
    'the nats-server is too old',
    'a newer nats-server on every machine of the cluster, or --replicas 1',
  ),
  NOT_PERMITTED: notPermitted,
  LOG_FULL: verdict('failed', 'nothing was stored', 'sequent doctor'),
  PAYLOAD_UNAVAILABLE: verdict(
    'failed',
    'the large payload of the invocation cannot be used',
    'invoke the function again: sequent invoke <function> -d @<file>',
  ),
  NEWER_FACTS: verdict('failed', 'a newer Sequent wrote this log', 'the version of Sequent that the workers run'),
  STREAM_LOST: verdict('notFound', 'the log lost this invocation', 'invoke the function again'),
  LOG_BEHIND: verdict('timedOut', 'the log did not return its last messages', 'repeat the command'),
  NO_ANSWER: verdict('timedOut', 'a running process of Sequent does not answer', 'repeat the command'),
  UNKNOWN_OUTCOME: verdict(
    'timedOut',
    'it is unknown whether the request was stored',
    'repeat the request with your own --id: two requests with one id are one invocation',
  ),
  TIMED_OUT: verdict('timedOut', 'the time limit was reached', 'a longer --timeout, or sequent doctor'),
};

const credentialCodes = new Set([
  'AUTHORIZATION_VIOLATION',
  'AUTHENTICATION_EXPIRED',
  'AUTHENTICATION_TIMEOUT',
  'ACCOUNT_EXPIRED',
  'BAD_AUTHENTICATION',
  'BAD_CREDS',
]);
const credentialProblem = verdict('auth', 'NATS refuses these credentials', '--context and NATS_CREDS, and the permissions of the account');

const historyProblem = verdict(
  'unreachable',
  'the projection cannot answer now',
  'the same command again; sequent doctor, which names a rebuild; or read the log itself: sequent timeline <id>',
);

/** A function that exists may lack a version or an alias, and a projection may answer that its file is damaged. */
function verdictOf(thrown: SequentError): Verdict | undefined {
  if (thrown instanceof HistoryUnavailableError && thrown.isAnswered) return historyProblem;
  const found = verdicts[thrown.code];
  if (found !== undefined && thrown instanceof NatsUnavailableError && thrown.remedy !== undefined)
    return { ...found, what: 'JetStream cannot be used', remedy: thrown.remedy };
  if (found === undefined || !(thrown instanceof FunctionNotFoundError) || thrown.qualifier === undefined) return found;
  const isAlias = thrown.qualifier.startsWith('!');
  return {
    ...found,
    what: isAlias ? 'the function has no such alias' : 'the function has no such version',
    remedy: isAlias ? 'sequent fn alias ls <function>' : 'sequent fn versions <function>',
  };
}

/** The problem of any thrown value. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof CommandError) return thrown.problem;
  const nats = natsFailureOf(thrown);
  if (nats !== undefined && credentialCodes.has(nats.code)) return problem(nats.code, credentialProblem, thrown);
  if (thrown instanceof SequentError) {
    const found = verdictOf(thrown);
    if (found !== undefined) return problem(thrown.code, found, thrown);
  }
  if (nats !== undefined) return natsProblem(nats, thrown);
  const path = pathProblem(thrown);
  if (path !== undefined) return path;
  return problem(
    'UNEXPECTED',
    verdict('failed', 'an unexpected error', 'the same command with SEQUENT_DEBUG=1, which prints the stack'),
    thrown,
  );
}

/** What the operating system says about a path that cannot be one, that is not there, or that this user may not use. */
const ofPaths = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'EROFS', 'ELOOP']);
const LONGEST_SHOWN_PATH = 200;

function pathProblem(thrown: unknown): Problem | undefined {
  const { code = '', path, syscall = '', message = '' } = Object(thrown) as Partial<NodeJS.ErrnoException>;
  if (path === undefined || !ofPaths.has(code)) return undefined;
  const shown = path.length > LONGEST_SHOWN_PATH ? `${path.slice(0, LONGEST_SHOWN_PATH)}…` : path;
  // Node's message is the code, the words of the operating system, and the call with the path.
  const words = message.slice(code.length + 2).split(`, ${syscall}`)[0] ?? '';
  return usageProblem('a file or a folder cannot be used', `"${shown}": ${words} (${code})`, 'another path').problem;
}

/** A refusal is an answer. Only a request without any answer means that NATS does not answer. */
function natsProblem(failure: NatsFailure, thrown: unknown): Problem {
  const { code, api_error: refusal } = failure;
  const { failed: exitCode } = exitCodes;
  const remedy = 'sequent doctor, and the log of the nats-server';
  if (code === 'PERMISSIONS_VIOLATION') return problem('NOT_PERMITTED', notPermitted, thrown);
  if (refusal !== undefined && !isUnanswered(failure)) {
    const why = `${refusal.description} (JetStream error ${refusal.err_code})`;
    return { code: 'NATS_REFUSED', exitCode, what: 'NATS refused a request', why, remedy };
  }
  if (!isUnanswered(failure)) return problem('NATS_FAILED', { exitCode, what: 'a request to NATS failed', remedy }, thrown);
  return problem('NATS_UNAVAILABLE', { ...(verdicts.NATS_UNAVAILABLE as Verdict), what: 'NATS does not answer' }, thrown);
}

/** The problem as JSON of RFC 9457. */
export function problemJson({ code, exitCode, what, why, remedy }: Problem): string {
  return JSON.stringify({ type: `urn:sequent:problem:${code}`, title: what, detail: why, code, exit_code: exitCode, try: remedy });
}

function problem(code: string, { exitCode, what, remedy }: Verdict, thrown: unknown): Problem {
  return { code, exitCode, what, why: messageOf(thrown), remedy };
}

import { FunctionNotFoundError, messageOf, NatsUnavailableError, SequentError } from '#src/core/errors.ts';
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

const notPermitted: Verdict = {
  exitCode: exitCodes.auth,
  what: 'NATS does not permit this',
  remedy: 'the permissions of this user in the configuration of the nats-server, or another user: --context, NATS_CREDS',
};

/** The exit code, title and remedy of each error code of Sequent. */
const verdicts: Record<string, Verdict> = {
  INVALID_INPUT: { exitCode: exitCodes.usage, what: 'the input is not valid', remedy: 'the same command with --help' },
  INVALID_CONFIGURATION: {
    exitCode: exitCodes.usage,
    what: 'a setting is not valid',
    remedy: 'sequent serve --help, which lists all settings',
  },
  FUNCTION_NOT_FOUND: { exitCode: exitCodes.notFound, what: 'no such function', remedy: 'sequent fn ls' },
  SCHEDULE_NOT_FOUND: { exitCode: exitCodes.notFound, what: 'no such schedule', remedy: 'sequent schedule ls' },
  BATCH_NOT_FOUND: { exitCode: exitCodes.notFound, what: 'no such batch', remedy: 'sequent batch ls' },
  INVOCATION_NOT_FOUND: { exitCode: exitCodes.notFound, what: 'no such invocation', remedy: 'sequent tail' },
  AMBIGUOUS_ID: {
    exitCode: exitCodes.usage,
    what: 'the id alone names no invocation',
    remedy: 'the same command with --function <name>',
  },
  HISTORY_UNAVAILABLE: {
    exitCode: exitCodes.unreachable,
    what: 'no projection answers',
    remedy: 'sequent serve --role projection, or read the log itself: sequent timeline <id>',
  },
  VERSION_REFUSED: {
    exitCode: exitCodes.conflict,
    what: 'the versions and aliases of the function do not allow this',
    remedy: 'sequent fn versions <function>, which shows versions and aliases',
  },
  CONFLICT: { exitCode: exitCodes.conflict, what: 'it was changed meanwhile', remedy: 'read the current state, then repeat the command' },
  WRONG_STATE: {
    exitCode: exitCodes.conflict,
    what: 'its state does not allow this',
    remedy: 'sequent timeline <id>, which shows the state',
  },
  KEY_MISSING: {
    exitCode: exitCodes.auth,
    what: 'the payloads are encrypted',
    remedy: 'the same command with SEQUENT_ENCRYPTION_KEY=<file>, or the keys for the processes of Sequent',
  },
  PROJECT_ERASED: {
    exitCode: exitCodes.conflict,
    what: 'the project was erased',
    remedy: 'sequent project encrypt <project>, for new payloads',
  },
  NATS_UNAVAILABLE: {
    exitCode: exitCodes.unreachable,
    what: 'NATS is not available',
    remedy: '"sequent serve --start-server", npm start in a clone, or name the NATS of a running Sequent with --server',
  },
  STREAM_REFUSED: {
    exitCode: exitCodes.failed,
    what: 'a limit of the NATS account is too low',
    remedy: 'nats account info, which shows the limits',
  },
  SNAPSHOT_FAILED: {
    exitCode: exitCodes.failed,
    what: 'the backup or the restore failed',
    remedy: 'sequent doctor, then the same command again',
  },
  NATS_SERVER_NOT_FOUND: { exitCode: exitCodes.unreachable, what: 'no nats-server was found', remedy: 'one of the commands above' },
  NATS_SERVER_START_FAILED: {
    exitCode: exitCodes.unreachable,
    what: 'the nats-server did not start',
    remedy: 'another folder with --data, or read nats/nats-server.log in it',
  },
  NATS_SERVER_SILENT: {
    exitCode: exitCodes.unreachable,
    what: 'the NATS server of the data folder does not answer',
    remedy: 'kill -CONT <process>, if it was stopped; else kill -9 <process>: a running Sequent starts it again on the same data',
  },
  NATS_SERVER_ENDED: {
    exitCode: exitCodes.unreachable,
    what: 'the NATS server of the data folder does not run',
    remedy: 'npm start or "sequent serve --start-server" on that folder; another server with --server, such as nats://127.0.0.1:4222',
  },
  NATS_TOO_OLD: {
    exitCode: exitCodes.unreachable,
    what: 'the nats-server is too old',
    remedy: 'a newer nats-server on every machine of the cluster, or --replicas 1',
  },
  NOT_PERMITTED: notPermitted,
  LOG_FULL: { exitCode: exitCodes.failed, what: 'nothing was stored', remedy: 'sequent doctor' },
  PAYLOAD_UNAVAILABLE: {
    exitCode: exitCodes.failed,
    what: 'the large payload of the invocation cannot be used',
    remedy: 'invoke the function again: sequent invoke <function> -d @<file>',
  },
  NEWER_FACTS: {
    exitCode: exitCodes.failed,
    what: 'a newer Sequent wrote this log',
    remedy: 'the version of Sequent that the workers run',
  },
  STREAM_LOST: { exitCode: exitCodes.notFound, what: 'the log lost this invocation', remedy: 'invoke the function again' },
  LOG_BEHIND: { exitCode: exitCodes.timedOut, what: 'the log did not return its last messages', remedy: 'repeat the command' },
  NO_ANSWER: { exitCode: exitCodes.timedOut, what: 'a running process of Sequent does not answer', remedy: 'repeat the command' },
  UNKNOWN_OUTCOME: {
    exitCode: exitCodes.timedOut,
    what: 'it is unknown whether the request was stored',
    remedy: 'repeat the request with your own --id: two requests with one id are one invocation',
  },
  TIMED_OUT: { exitCode: exitCodes.timedOut, what: 'the time limit was reached', remedy: 'a longer --timeout, or sequent doctor' },
};

const credentialCodes = new Set([
  'AUTHORIZATION_VIOLATION',
  'AUTHENTICATION_EXPIRED',
  'AUTHENTICATION_TIMEOUT',
  'ACCOUNT_EXPIRED',
  'BAD_AUTHENTICATION',
  'BAD_CREDS',
]);
const credentialProblem: Verdict = {
  exitCode: exitCodes.auth,
  what: 'NATS refuses these credentials',
  remedy: '--context and NATS_CREDS, and the permissions of the account',
};

/** A function that exists may lack a version or an alias. */
function verdictOf(thrown: SequentError): Verdict | undefined {
  const verdict = verdicts[thrown.code];
  if (verdict !== undefined && thrown instanceof NatsUnavailableError && thrown.remedy !== undefined)
    return { ...verdict, what: 'JetStream cannot be used', remedy: thrown.remedy };
  if (verdict === undefined || !(thrown instanceof FunctionNotFoundError) || thrown.qualifier === undefined) return verdict;
  const isAlias = thrown.qualifier.startsWith('!');
  return {
    ...verdict,
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
    const verdict = verdictOf(thrown);
    if (verdict !== undefined) return problem(thrown.code, verdict, thrown);
  }
  if (nats !== undefined) return natsProblem(nats, thrown);
  return problem(
    'UNEXPECTED',
    { exitCode: exitCodes.failed, what: 'an unexpected error', remedy: 'the same command with SEQUENT_DEBUG=1, which prints the stack' },
    thrown,
  );
}

/** A refusal is an answer. Only a request without any answer means that NATS does not answer. */
function natsProblem(failure: NatsFailure, thrown: unknown): Problem {
  const { code, api_error: refusal } = failure;
  const { failed: exitCode } = exitCodes;
  const remedy = 'sequent doctor, and the log of the nats-server';
  if (code === 'PERMISSIONS_VIOLATION') return problem('NOT_PERMITTED', notPermitted, thrown);
  if (refusal !== undefined) {
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

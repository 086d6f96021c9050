import { messageOf, SequentError } from '#src/core/errors.ts';

/** What the exit codes mean; documented, and never renumbered. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  auth: 5,
  unreachable: 6,
  timedOut: 7,
  /** `DEFECT_EXIT_CODE` of a process that serves. */
  defect: 70,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What a person is told when something goes wrong: what, why, and the command to try. */
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

/** The one place that knows what the codes of Sequent's errors mean on the command line. */
const verdicts: Record<string, Verdict> = {
  INVALID_INPUT: { exitCode: exitCodes.usage, what: 'that cannot be accepted', remedy: 'the same command with --help' },
  INVALID_CONFIGURATION: {
    exitCode: exitCodes.usage,
    what: 'a setting cannot be accepted',
    remedy: 'sequent serve --help, which lists all settings',
  },
  FUNCTION_NOT_FOUND: { exitCode: exitCodes.notFound, what: 'no such function', remedy: 'sequent fn ls' },
  INVOCATION_NOT_FOUND: { exitCode: exitCodes.notFound, what: 'no such invocation', remedy: 'sequent tail' },
  HISTORY_UNAVAILABLE: {
    exitCode: exitCodes.unreachable,
    what: 'nobody answers questions about the past',
    remedy: 'sequent serve --role projection, or ask the log itself: sequent timeline <id>',
  },
  VERSION_REFUSED: {
    exitCode: exitCodes.conflict,
    what: 'that cannot be done as things are',
    remedy: 'sequent fn versions <function>, which shows versions and aliases',
  },
  CONFLICT: { exitCode: exitCodes.conflict, what: 'somebody else was faster', remedy: 'read it again, then repeat the command' },
  WRONG_STATE: { exitCode: exitCodes.conflict, what: 'not in this state', remedy: 'sequent timeline <id>, which shows the state' },
  NATS_UNAVAILABLE: {
    exitCode: exitCodes.unreachable,
    what: 'NATS cannot be used',
    remedy: 'npm start here, or name the NATS of a running Sequent with --server',
  },
  NATS_SERVER_NOT_FOUND: { exitCode: exitCodes.unreachable, what: 'there is no nats-server to start', remedy: 'one of the commands above' },
  NATS_SERVER_START_FAILED: {
    exitCode: exitCodes.unreachable,
    what: 'the nats-server did not start',
    remedy: 'another folder with --data, or read nats/nats-server.log in it',
  },
  NOT_PERMITTED: notPermitted,
  LOG_FULL: { exitCode: exitCodes.failed, what: 'nothing was stored', remedy: 'sequent doctor' },
  NEWER_FACTS: {
    exitCode: exitCodes.failed,
    what: 'a newer Sequent wrote this log',
    remedy: 'the version of Sequent that the workers run',
  },
  LOG_BEHIND: { exitCode: exitCodes.timedOut, what: 'the log does not show what it holds', remedy: 'repeat the command' },
  UNKNOWN_OUTCOME: {
    exitCode: exitCodes.timedOut,
    what: 'it is unknown whether it was stored',
    remedy: 'repeat it with an --id of your own: the same id starts nothing twice',
  },
  TIMED_OUT: { exitCode: exitCodes.timedOut, what: 'the wait is over', remedy: 'wait longer with --timeout, or look: sequent doctor' },
};

/** What the NATS client throws when no answer came. */
const silences = new Set([
  '408',
  '503',
  'CONNECTION_CLOSED',
  'CONNECTION_DRAINING',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'DISCONNECT',
  'IDLE_HEARTBEAT',
  'TIMEOUT',
]);

const refusedCredentials = new Set([
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
  remedy: 'check --context, NATS_CREDS, and what the account may do',
};

/** Turns whatever was thrown into what a person is told. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof CommandError) return thrown.problem;
  const nats = natsErrorOf(thrown);
  if (nats !== undefined && refusedCredentials.has(nats.code)) return problem(nats.code, credentialProblem, thrown);
  if (thrown instanceof SequentError) {
    const verdict = verdicts[thrown.code];
    if (verdict !== undefined) return problem(thrown.code, verdict, thrown);
  }
  if (nats !== undefined) return natsProblem(nats, thrown);
  return problem(
    'UNEXPECTED',
    { exitCode: exitCodes.failed, what: 'this was not expected', remedy: 'the same with SEQUENT_DEBUG=1, which prints where' },
    thrown,
  );
}

/** A refusal is an answer: only an error without one is told as silence. */
function natsProblem({ code, api_error: refusal }: NatsError, thrown: unknown): Problem {
  const { failed: exitCode } = exitCodes;
  const remedy = 'sequent doctor, and the log of the nats-server';
  if (code === 'PERMISSIONS_VIOLATION') return problem('NOT_PERMITTED', notPermitted, thrown);
  if (refusal !== undefined) {
    const why = `${refusal.description} (JetStream error ${refusal.err_code})`;
    return { code: 'NATS_REFUSED', exitCode, what: 'NATS refused a request', why, remedy };
  }
  if (!silences.has(code)) return problem('NATS_FAILED', { exitCode, what: 'a request to NATS failed', remedy }, thrown);
  return problem('NATS_UNAVAILABLE', { ...(verdicts.NATS_UNAVAILABLE as Verdict), what: 'NATS does not answer' }, thrown);
}

/** RFC 9457, for those who asked for JSON. */
export function problemJson({ code, exitCode, what, why, remedy }: Problem): string {
  return JSON.stringify({ type: `urn:sequent:problem:${code}`, title: what, detail: why, code, exit_code: exitCode, try: remedy });
}

function problem(code: string, { exitCode, what, remedy }: Verdict, thrown: unknown): Problem {
  return { code, exitCode, what, why: messageOf(thrown), remedy };
}

type NatsError = Error & { code: string; api_error?: { err_code?: number; description?: string } };

/** The NATS client's own error: this one, or a cause of it. */
function natsErrorOf(thrown: unknown): NatsError | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++) {
    if (error.name === 'NatsError' && 'code' in error) return error as NatsError;
  }
  return undefined;
}

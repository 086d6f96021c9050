import { SequentError } from '#src/core/errors.ts';

/** No usable nats-server was found or could be fetched. The message ends with the commands that install one. */
export class ServerNotFoundError extends SequentError {
  readonly code = 'NATS_SERVER_NOT_FOUND';
  readonly retryable = false;
  readonly exitCode = 6;
  constructor({ tried, commands }: { tried: readonly string[]; commands: readonly string[] }, options?: ErrorOptions) {
    const lines = [
      'no nats-server 2.10 or newer was found, and none could be fetched',
      ...tried.map((problem) => `  ${problem}`),
      'do one of these, then try again:',
      ...commands.map((command) => `  ${command}`),
    ];
    super(lines.join('\n'), options);
  }
}

/** The embedded nats-server did not start. No process of this attempt is left. */
export class ServerStartError extends SequentError {
  readonly code = 'NATS_SERVER_START_FAILED';
  readonly retryable = true;
  readonly exitCode = 6;
  constructor(facts: { dataDir: string; why: string }, options?: ErrorOptions) {
    super(`nats-server did not start on ${facts.dataDir}: ${facts.why}`, options);
  }
}

/** The server of a data folder runs and answers no client. A command must not take another server for it. */
export class ServerSilentError extends SequentError {
  readonly code = 'NATS_SERVER_SILENT';
  readonly retryable = true;
  constructor({ dataDir, pid, isStopped }: { dataDir: string; pid: number; isStopped: boolean }, options?: ErrorOptions) {
    const why = isStopped ? 'a signal stopped it (SIGSTOP)' : 'it runs and greeted no client in time';
    super(`process ${pid} is the nats-server of ${dataDir}, and ${why}`, options);
  }
}

/** Sequent started a server on the data folder before, and none runs now. */
export class ServerEndedError extends SequentError {
  readonly code = 'NATS_SERVER_ENDED';
  readonly retryable = true;
  constructor({ dataDir }: { dataDir: string }, options?: ErrorOptions) {
    super(`Sequent started a nats-server on ${dataDir} before, and none runs on it now`, options);
  }
}

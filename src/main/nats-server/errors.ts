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

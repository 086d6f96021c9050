import { LogBehindError } from '#src/core/errors.ts';

/** Where a role says what it does. `pino` satisfies it. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** How a failure is logged that the next delivery of the same item mends: a log that lags needs no operator. */
export function levelOf(error: unknown): 'info' | 'warn' {
  return error instanceof LogBehindError ? 'info' : 'warn';
}

import { LogBehindError } from '#src/core/errors.ts';

/** The log of a process for its operator. `pino` implements it. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** The level of a failure that the next delivery of the item repairs. A lagging log needs no operator. */
export function levelOf(error: unknown): 'info' | 'warn' {
  return error instanceof LogBehindError ? 'info' : 'warn';
}

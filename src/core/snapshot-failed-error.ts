import { SequentError } from './errors.ts';

/** A snapshot of a stream could not be taken, or the stream could not be restored from it. */
export class SnapshotFailedError extends SequentError {
  readonly code = 'SNAPSHOT_FAILED';
  readonly retryable = true;
  constructor({ stream, what, why }: { stream: string; what: 'taken' | 'restored'; why: string }, options?: ErrorOptions) {
    super(what === 'taken' ? `no snapshot of ${stream} was taken: ${why}` : `${stream} was not restored: ${why}`, options);
  }
}

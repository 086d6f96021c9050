import type { StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import type { StreamState } from './stream.ts';

/**
 * Hints say which stream has work. A hint is safe to lose and to repeat. Two hints with one id are one hint.
 *
 * An id is `<stream>.<version>.<reason>`. The version is the newest one that the sender knew.
 */
export interface Hints {
  /** Hints at an attempt that is due. */
  wake(name: StreamName, request: number, id: string): void;
  /** Hints at a delivery that is due. A small state is inlined in the hint, so the deliverer need not read the stream. */
  deliver(name: StreamName, request: number, id: string, inlineState?: StreamState): void;
}

/** The stream in the id of a hint. */
export function streamInHint(id: string): string {
  return id.split('.', 1)[0] ?? '';
}

/** The version in the id of a hint; `undefined` when the id has another form. */
export function versionInHint(id: string): StreamVersion | undefined {
  const version = Number(id.split('.')[1]);
  return Number.isSafeInteger(version) ? (version as StreamVersion) : undefined;
}

import type { StreamName } from './event-log.ts';

/** The text that identifies a stream in a map. Neither part contains a dot, so two streams never share a key. */
export function streamKey({ function: fn, stream }: StreamName): string {
  return `${fn}.${stream}`;
}

import { InvalidArgumentError } from 'commander';
import { parseSize as parse } from '#src/core/text/size-text.ts';

/** Reads `512KB`, `64MB`, or a number of bytes, as bytes. Throws commander's error. */
export function parseSize(text: string): number {
  const bytes = parse(text);
  if (bytes !== undefined) return bytes;
  throw new InvalidArgumentError('Write the size as 512KB or 64MB; a bare number is bytes.');
}

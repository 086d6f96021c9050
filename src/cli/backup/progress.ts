import { formatBytes } from '#src/cli/print/format.ts';
import type { OutputStream } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';

const PRINT_EVERY_MS = 2_000;

/** Prints the progress of a long backup or restore, every two seconds. */
export function printProgress({ line, paint }: OutputStream): (stream: string, bytes: number) => void {
  let printedAt = performance.now();
  return (stream, bytes) => {
    const now = performance.now();
    if (now - printedAt < PRINT_EVERY_MS) return;
    printedAt = now;
    line(paint.dim(say('{stream}: {size}', { stream, size: formatBytes(bytes) })));
  };
}

import { createOutputStream, type OutputStream } from '#src/cli/print/terminal.ts';

/** An output stream that keeps its lines: a pipe, or a terminal with this many columns. */
export function outputStreamOf({ columns, env = {} }: { columns?: number; env?: Record<string, string> } = {}): {
  output: OutputStream;
  lines: string[];
} {
  const lines: string[] = [];
  const write = (text: string): boolean => {
    lines.push(text.replace(/\n$/, ''));
    return true;
  };
  const stream = { write: write as never, isTTY: columns !== undefined, columns: columns ?? 0 };
  return { output: createOutputStream(stream, 'auto', env), lines };
}

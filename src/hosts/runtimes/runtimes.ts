import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { type Runtime, runtimeOf } from '#src/core/functions/runtimes.ts';
import { createPythonFinder } from '#src/core/python/find-python.ts';
import type { HostRuntime } from './host-runtime.ts';
import { createNodeRuntime } from './nodejs.ts';
import { createPythonRuntime } from './python.ts';

type Options = {
  /** The Node.js executable. */
  command?: string | undefined;
  /** The Python executable; by default the one that a function names, else `python3`. */
  python?: string | undefined;
};

/** The table of runtimes of one host: the names and extensions of each row are in `src/core/functions/runtimes.ts`. */
export type HostRuntimes = Readonly<Record<Runtime['id'], HostRuntime>>;

export function createHostRuntimes({ command = process.execPath, python }: Options = {}): HostRuntimes {
  return { nodejs: createNodeRuntime(command), python: createPythonRuntime(createPythonFinder(python)) };
}

/** The row of a function whose handler is code. */
export function hostRuntimeOf(runtimes: HostRuntimes, { handler }: Pick<FunctionDefinition, 'handler'>): HostRuntime {
  return runtimes[handler.kind === 'process' ? runtimeOf(handler).id : 'nodejs'];
}

import { join } from 'node:path';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { type Runtime, runtimeOf } from '#src/core/functions/runtimes.ts';
import { createPythonFinder } from '#src/core/python/find-python.ts';
import { fileOf, type HostRuntime } from './host-runtime.ts';
import { createNodeRuntime } from './nodejs.ts';

type Options = {
  /** The Node.js executable. */
  command?: string | undefined;
  /** The Python executable; by default the one that a function names, else `python3`. */
  python?: string | undefined;
};

/** The table of runtimes of one host: the names and files of each row are in `src/core/functions/runtimes.ts`. */
export type HostRuntimes = Readonly<Record<Runtime['id'], HostRuntime>>;

export function createHostRuntimes({ command = process.execPath, python }: Options = {}): HostRuntimes {
  return {
    nodejs: createNodeRuntime(command),
    python: createPythonRuntime(python),
    custom: createProgramRuntime(command, './custom.mjs'),
    http: createProgramRuntime(command, './http.mjs'),
    executable: executables,
  };
}

/** The row of a function whose handler is code. */
export function hostRuntimeOf(runtimes: HostRuntimes, { handler }: Pick<FunctionDefinition, 'handler'>): HostRuntime {
  return runtimes[handler.kind === 'process' ? runtimeOf(handler).id : 'nodejs'];
}

/** Runs Python with the standard library, what the package brings, and the packages of the interpreter. */
function createPythonRuntime(executable: string | undefined): HostRuntime {
  const { find } = createPythonFinder(executable);
  return {
    find: ({ handler }) => find((handler.kind === 'process' ? handler.runtime : undefined) ?? 'python3'),
    argumentsFor: ({ runtimeFolder, isSandboxed, inspectorPort }) => [
      // No bytecode beside the code, which is a package that must stay as it is; no packages of a home folder.
      ...['-B', '-s', join(runtimeFolder, 'python', 'child.py')],
      ...(inspectorPort === undefined ? [] : ['inspect', String(inspectorPort)]),
      ...(isSandboxed ? ['user-data'] : []),
    ],
    readableFor: () => [],
    isMemoryExhausted: (output) => /^MemoryError\b/m.test(output),
  };
}

/** Runs the program of a package below a process of Node, whose module translates between the program and the worker. */
function createProgramRuntime(command: string, adapter: string): HostRuntime {
  return {
    find: () => ({ command, readable: [] }),
    argumentsFor: ({ runtimeFolder, isSandboxed, hasOwnNetwork }) => [
      ...[join(runtimeFolder, 'child.mjs'), adapter],
      ...(isSandboxed ? ['user-data'] : []),
      ...(hasOwnNetwork ? ['own-network'] : []),
    ],
    readableFor: () => [],
    isMemoryExhausted: () => false,
    usesLoopback: true,
  };
}

/** Runs an executable that keeps the protocol of docs/runtime-protocol.md itself. */
const executables: HostRuntime = {
  find: () => ({ command: '/bin/sh', readable: [] }),
  argumentsFor: ({ definition, isSandboxed }) => {
    const file = fileOf(definition);
    return ['-c', START, 'sh', missingLine(file), file, ...(isSandboxed ? ['user-data'] : [])];
  },
  readableFor: () => [],
  isMemoryExhausted: () => false,
};

/** Becomes the program, without the variables that a shell adds. Reports one that cannot be started, as the runtimes of other kinds do. */
const START =
  'unset PWD OLDPWD SHLVL _; missing=$1; shift; if [ -f "$1" ] && [ -x "$1" ]; then exec "$@"; fi; printf "%s\\n" "$missing" >&4; exit 1';

function missingLine(file: string): string {
  const message = `function entry file ${file} does not exist, or is not executable`;
  return JSON.stringify(['start-failed', { kind: 'function', code: 4001, errorType: 'FunctionEntryMissing', message, stackTrace: [] }, '']);
}

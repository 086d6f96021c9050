import { join } from 'node:path';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { PythonFinder } from '#src/core/python/find-python.ts';
import type { HostRuntime } from './host-runtime.ts';

/** Runs Python with the standard library, what the package brings, and the packages of the interpreter. */
export function createPythonRuntime({ find }: PythonFinder): HostRuntime {
  return {
    find: (definition) => find(nameOf(definition)),
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

function nameOf({ handler }: FunctionDefinition): string {
  return (handler.kind === 'process' ? handler.runtime : undefined) ?? 'python3';
}

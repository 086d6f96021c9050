import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { PermittedFolders } from '#src/hosts/isolation/node-permissions.ts';

/** The program on this machine that runs the code of a language. */
export type Interpreter = {
  command: string;
  /** What a sandbox must show of the interpreter, besides the system's programs and libraries. */
  readable: readonly string[];
};

/** Where a process of a function starts. */
export type Place = {
  definition: FunctionDefinition;
  /** The folder with the code that runs in the processes of functions: `src/hosts/runtime`, or a copy of it. */
  runtimeFolder: string;
  /** Whether the process starts in a sandbox, in which the user data reaches the environment only after it lost its rights. */
  isSandboxed: boolean;
  /** What the second obstacle inside of a sandbox leaves to the process, if the runtime has such an obstacle; `undefined` for everything. */
  permitted?: { folders: PermittedFolders; hasNetwork: boolean } | undefined;
  /** Whether the process has a network for itself. */
  hasOwnNetwork?: boolean;
  /** The port of the debugger. */
  inspectorPort?: number | undefined;
};

/** How a host starts the processes of one language: a row of the table in `runtimes.ts`. */
export interface HostRuntime {
  /** Finds the interpreter that a function names. Throws when this machine has none, which is a failure of the platform. */
  find(definition: FunctionDefinition): Interpreter | Promise<Interpreter>;
  /** The arguments of the interpreter. */
  argumentsFor(place: Place): string[];
  /** Further folders that a sandbox must show for this function. */
  readableFor(definition: FunctionDefinition): readonly string[];
  /** Whether the last output of a process that ended says that its memory was exhausted. */
  isMemoryExhausted(output: string): boolean;
  /** Whether the processes of a function talk to each other over TCP, for which a network of their own needs its loopback. */
  usesLoopback?: boolean;
}

/** The file of a handler; empty for another kind of handler. */
export function fileOf({ handler }: Pick<FunctionDefinition, 'handler'>): string {
  return handler.kind === 'process' ? handler.file : '';
}

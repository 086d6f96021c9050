import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Failure } from '#machines/facts.ts';
import { isProgram, runtimeOf } from '#src/core/functions/runtimes.ts';
import { createPythonFinder } from '#src/core/python/find-python.ts';
import { processEnded, timedOut } from '#src/hosts/failures.ts';
import type { ContextFacts } from '#src/hosts/runtime/context.mjs';
import { nodeArguments } from '#src/hosts/runtimes/nodejs.ts';

export type OnceOptions = {
  handler: { file: string; export: string; initializer: string | undefined };
  execution: Omit<ContextFacts, 'traceparent'> & { payload: string; traceparent: string | undefined };
  /** The option of Node that opens the debugger; the time limit does not apply then. */
  inspector: string | undefined;
};

type Outcome = { payload: string; failure?: undefined } | { failure: Failure };

export type OnceResult = {
  outcome: Outcome;
  durationInMs: number;
  /** The maximum that the process used; `undefined` when the process ended by itself or was killed. */
  memoryInBytes: number | undefined;
  isTimeout: boolean;
};

type Message = { type: 'started' } | { type: 'ended'; outcome: Outcome; durationInMs: number; memoryInBytes: number };

const runtimeFolder = fileURLToPath(new URL('../../../hosts/runtime/', import.meta.url));

/** The program of `sequent run` in the language of the file, with the option of a debugger. */
async function commandFor(
  file: string,
  { memoryInMb, inspector }: { memoryInMb: number; inspector: string | undefined },
): Promise<[string, ...string[]]> {
  const flags = inspector === undefined ? [] : [inspector];
  const adapter = isProgram(file) ? ['./custom.mjs'] : [];
  if (runtimeOf({ file }).id !== 'python')
    return [process.execPath, ...flags, ...nodeArguments({ memoryInMb, file }), join(runtimeFolder, 'run-once.mjs'), ...adapter];
  const { command } = await createPythonFinder().find('python3');
  return [command, '-B', '-s', join(runtimeFolder, 'python', 'run_once.py'), ...flags];
}

/** Executes a handler once, in a process whose output goes to stderr. The process has the environment of a function: its user data. */
export async function executeOnce({ handler, execution, inspector }: OnceOptions): Promise<OnceResult> {
  const { memoryInMb, timeoutInMs, userData } = execution.definition;
  const { PATH = '', HOME = '', TMPDIR, TZ } = process.env;
  const kept = Object.fromEntries(Object.entries({ PATH, HOME, TMPDIR, TZ }).filter(([, value]) => value !== undefined));
  const [command, ...args] = await commandFor(handler.file, { memoryInMb, inspector });
  const child = spawn(command, args, {
    env: { ...kept, ...userData },
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  let startedAt = performance.now();
  let ended: Extract<Message, { type: 'ended' }> | undefined;
  let isTimeout = false;
  let timer: NodeJS.Timeout | undefined;
  child.on('message', (message: Message) => {
    if (message.type === 'ended') {
      ended = message;
      clearTimeout(timer);
      return;
    }
    startedAt = performance.now();
    if (inspector !== undefined) return;
    timer = setTimeout(() => {
      isTimeout = true;
      // The program ends with the process that answers the signal; a module of Node may never answer.
      child.kill(isProgram(handler.file) ? 'SIGTERM' : 'SIGKILL');
    }, timeoutInMs);
  });
  // A process that Node ends at once, such as for a bad address of the debugger, receives nothing.
  child.send({ handler, execution }, () => {});
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  if (ended !== undefined) return { ...ended, isTimeout: false };
  const failure = isTimeout ? timedOut(timeoutInMs) : processEnded(signal === null ? `exited with code ${code}` : `was ended by ${signal}`);
  return { outcome: { failure }, durationInMs: performance.now() - startedAt, memoryInBytes: undefined, isTimeout };
}

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type FunctionDefinition, functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { Runtime } from '#src/core/functions/runtimes.ts';
import type { RequestId } from '#src/core/names/names.ts';
import type { Execution, ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';
import { bootstrapFile } from './bootstraps.ts';

/** The language of the functions that tests of every runtime run: a row of the table in `src/core/functions/runtimes.ts`. */
export function testedRuntime(): Runtime['id'] {
  const id = process.env.SEQUENT_TESTED_RUNTIME;
  return id === 'python' || id === 'custom' || id === 'executable' ? id : 'nodejs';
}

const ofPrograms = [
  'PROJECT_ID',
  'PACKAGE',
  'FUNC_NAME',
  'FUNC_VERSION',
  'HANDLER',
  'TIMEOUT',
  'USERDATA',
  'CPU',
  'MEMORY',
  'CODE_ROOT',
  'API_ADDR',
];

/** Whether the functions are in a program, as the user of another language puts it. */
export function isProgram(): boolean {
  return testedRuntime() === 'custom' || testedRuntime() === 'executable';
}

/** What the tested runtime adds to the environment of a function: Python names the encoding that it chose. */
export function addedVariables(): string[] {
  const added = { nodejs: [], python: ['LC_CTYPE'], custom: ofPrograms.map((name) => `RUNTIME_${name}`), executable: [] };
  return added[testedRuntime() as 'nodejs'];
}

/** Lets the tests of a file run functions in this language. A process that they start does so too. */
export function testRuntime(id: Runtime['id']): void {
  process.env.SEQUENT_TESTED_RUNTIME = id;
}

/** The path of a file of functions in this folder; without a name, of those in the tested language. */
export function handlerFile(name?: string): string {
  if (name === undefined && isProgram()) return bootstrapFile('handlers.mjs');
  return fileURLToPath(new URL(name ?? (testedRuntime() === 'python' ? 'handlers.py' : 'handlers.mjs'), import.meta.url));
}

/** The code of a handler that returns a text: after it created the file, or after the file that its event names exists. */
export function waitingHandler(says: string, created?: string): string {
  if (testedRuntime() === 'python') {
    const action =
      created === undefined
        ? "while 'changed' in event and not os.path.exists(event['changed']): time.sleep(0.005)"
        : `open('${created}', 'w').close()`;
    return `import os, time\ndef handler(event, context):\n  ${action}\n  return '${says}'\n`;
  }
  const action =
    created === undefined
      ? 'while (event.changed && !fs.existsSync(event.changed)) await new Promise((resolve) => setTimeout(resolve, 5));'
      : `fs.writeFileSync('${created}', '');`;
  return `import fs from 'node:fs'; export const handler = async (event) => { ${action} return '${says}'; };`;
}

type DefinitionFacts = Partial<Omit<FunctionDefinition, 'handler' | 'name'>> & {
  name?: string;
  file?: string;
  export?: string;
  initializer?: string;
};

/** A function whose handler is an export of `handlers.mjs`, or of its counterpart in another language. */
export function processFunction({ file = handlerFile(), export: name, initializer, ...rest }: DefinitionFacts): FunctionDefinition {
  const runtime = testedRuntime() === 'executable' && basename(file) === 'bootstrap' ? { runtime: 'executable' } : {};
  const handler = { kind: 'process', file, export: name, initializer, ...runtime };
  return functionDefinitionSchema.parse({ name: 'tested', ...rest, handler });
}

/** A timeout that an execution does not reach when its process pauses for 5 s, as processes do on a loaded machine. */
export const BEYOND_PAUSES_IN_MS = 8_000;

let count = 0;

export function executionOf(definition: FunctionDefinition, event: unknown = {}, facts: Partial<Execution> = {}): Execution {
  return {
    definition,
    version: 'latest',
    requestId: `request-${count++}` as RequestId,
    qualifier: 'latest',
    functionUrn: `urn:fss:here:project:function:default:${definition.name}:latest`,
    attempt: 1,
    payload: JSON.stringify(event),
    ...facts,
  };
}

/** A signal that never aborts. */
export function neverAborted(): AbortSignal {
  return new AbortController().signal;
}

export function execute(host: FunctionHost, definition: FunctionDefinition, event?: unknown): Promise<ExecutionResult> {
  return host.execute(executionOf(definition, event), neverAborted());
}

/** Waits for a condition. Throws when the condition is not true in time. */
export async function until(condition: () => boolean, what: string, deadlineInMs = 50_000): Promise<void> {
  const deadline = performance.now() + deadlineInMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what}: not true within ${deadlineInMs} ms`);
    await delay(5);
  }
}

/** Whether a process runs. A zombie does not. */
export function isRunning(pid: number): boolean {
  const status = contentOf(`/proc/${pid}/status`);
  return status !== undefined && !/^State:\s+[ZX]/m.test(status);
}

/** The text of a file; `undefined` while the file is absent. */
export function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** The process ids that a handler writes to a file, once the file is complete. */
export async function pidsIn(file: string): Promise<number[]> {
  await until(() => contentOf(file)?.endsWith(']') ?? false, `${file} is written`);
  return JSON.parse(contentOf(file) ?? '[]');
}

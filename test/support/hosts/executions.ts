import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type FunctionDefinition, functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { RequestId } from '#src/core/names/names.ts';
import type { Execution, ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';

/** The path of a file of functions in this folder. */
export function handlerFile(name = 'handlers.mjs'): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export type DefinitionFacts = Partial<Omit<FunctionDefinition, 'handler' | 'name'>> & {
  name?: string;
  file?: string;
  export?: string;
  initializer?: string;
  runtime?: string;
};

/** A function whose handler is an export of `handlers.mjs`, or of another file. `runtime-under-test.ts` has those of other runtimes. */
export function processFunction({
  file = handlerFile(),
  export: name,
  initializer,
  runtime,
  ...rest
}: DefinitionFacts): FunctionDefinition {
  const handler = { kind: 'process', file, export: name, initializer, ...(runtime === undefined ? {} : { runtime }) };
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

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import { lowerPriority } from '#src/core/processes/lower-priority.mjs';
import { createPythonFinder } from './find-python.ts';

/** The code to check: the files of a folder, or texts by their paths. */
type Code = { root: string } | { texts: Readonly<Record<string, string>> };

/** The file of the handler, the functions that it must have, and the modules that its layers bring. */
type Wanted = { entry: string; exports: readonly string[]; modules: readonly string[] };

const answerSchema = z.object({
  issues: z.array(
    z.object({
      path: z.string(),
      text: z.string(),
      line: z.number().nullable(),
      column: z.number().nullable(),
      lineText: z.string().nullable(),
    }),
  ),
  files: z.array(z.string()),
  names: z.array(z.string()),
  config: z.unknown(),
});
/** What is known of a Python module without running it. */
export type PythonFacts = z.infer<typeof answerSchema>;

/** What the check of one upload may take. */
const MAX_MEMORY_IN_MB = 768;
const MAX_TIME_IN_MS = 30_000;
const MAX_ANSWER_BYTES = 4 * 1_048_576;

const program = fileURLToPath(new URL('../../hosts/runtime/python/check_code.py', import.meta.url));

/**
 * Finds the local files of a Python module and the reasons for which it cannot be loaded: syntax errors, missing modules, and missing functions
 * of the module. No code of the module runs.
 *
 * `undefined` when this machine has no Python: the first attempt then tells what is wrong. Code that ends the process, or exceeds its limits of
 * memory and time, cannot be checked, which is an issue.
 */
export async function checkPython(code: Code, wanted: Wanted): Promise<PythonFacts | undefined> {
  const python = await createPythonFinder()
    .find('python3')
    .catch(() => undefined);
  if (python === undefined) return undefined;
  const answer = answerSchema.safeParse(parseJson(await ask(python.command, JSON.stringify({ ...code, ...wanted }))));
  return answer.success ? answer.data : uncheckable(wanted.entry);
}

function uncheckable(path: string): PythonFacts {
  const text = `the code cannot be checked: it needs more than ${MAX_MEMORY_IN_MB} MB or ${MAX_TIME_IN_MS / 1_000} s`;
  return { issues: [{ path, text, line: null, column: null, lineText: null }], files: [path], names: [], config: undefined };
}

/** What the process answered; empty when it did not. Its memory is limited, because hostile text may make the parser take all of it. */
async function ask(command: string, question: string): Promise<string> {
  const limit = `ulimit -v ${MAX_MEMORY_IN_MB * 1_024} && exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', limit, command, '-B', '-s', '-E', program], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH ?? '' },
    timeout: MAX_TIME_IN_MS,
    killSignal: 'SIGKILL',
  });
  lowerPriority(child.pid, { leadsSession: false });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) child.kill('SIGKILL');
    else chunks.push(chunk);
  });
  // A process that ended early closes its pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(question);
  const [code] = await closed;
  return code === 0 ? Buffer.concat(chunks).toString() : '';
}

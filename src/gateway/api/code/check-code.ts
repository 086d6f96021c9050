import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runtimeOf } from '#src/core/functions/runtimes.ts';
import { checkPython } from '#src/core/python/check-python.ts';
import { parseJson } from '#src/core/text/json.ts';
import type { ZipFile } from '#src/core/zip/read-zip.ts';
import type { Issue } from '#src/gateway/http/http-error.ts';

const loaders: Readonly<Record<string, string | undefined>> = {
  js: 'js',
  mjs: 'js',
  cjs: 'js',
  ts: 'ts',
  mts: 'ts',
  cts: 'ts',
  tsx: 'tsx',
};
/** The code of a package that is checked; the rest is not. */
const MAX_CHECKED_BYTES = 4 * 1_024 * 1_024;
const MAX_ISSUES = 10;

/** What the check of one upload may take. Four megabytes of usual code took 11 s on a loaded machine with two cores. */
const MAX_MEMORY_IN_MB = 768;
const MAX_TIME_IN_MS = 30_000;
/** The longest answer of the process: the texts of its issues are cut. */
const MAX_ANSWER_BYTES = 1_048_576;

const program = fileURLToPath(new URL('./check-code-process.mjs', import.meta.url));
const issuesSchema = z.array(z.object({ pointer: z.string(), detail: z.string() }));

/**
 * The reasons for which no worker could load a package: syntax errors in its own modules, and exports that the handler certainly lacks.
 * No code runs. The modules in `node_modules` are not checked.
 *
 * The compiler runs in a process of this upload, with limits of memory and time. Code that ends the process, or exceeds a limit, is refused.
 */
export async function checkCode(files: readonly ZipFile[], entry: string, exports: readonly string[]): Promise<Issue[]> {
  if (runtimeOf({ file: entry }).id === 'python') return await checkPythonCode(files, entry, exports);
  const modules = files.filter((file) => loaderOf(file.path) !== undefined && !file.path.startsWith('node_modules/'));
  let left = MAX_CHECKED_BYTES;
  const checked = [...modules]
    .sort((one, other) => Number(other.path === entry) - Number(one.path === entry))
    .filter((file) => {
      left -= file.content.length;
      return left >= 0;
    })
    .map(({ path, content }) => ({
      path,
      loader: loaderOf(path),
      text: Buffer.from(content).toString(),
      exports: path === entry ? exports : [],
    }));
  if (checked.length === 0) return [];
  const answer = await runCheck(JSON.stringify(checked));
  const issues = issuesSchema.safeParse(parseJson(answer));
  return issues.success ? issues.data.slice(0, MAX_ISSUES) : [uncheckable];
}

/** The other modules are checked as far as the module of the handler imports them. A package without a Python on this machine is not checked. */
async function checkPythonCode(files: readonly ZipFile[], entry: string, exports: readonly string[]): Promise<Issue[]> {
  const modules = files.filter(({ path, content }) => path.endsWith('.py') && content.length <= MAX_CHECKED_BYTES);
  const texts = Object.fromEntries(modules.map(({ path, content }) => [path, Buffer.from(content).toString()]));
  // Compiled modules and data can be imported from, and are not read.
  const others = files.filter(({ path }) => !path.endsWith('.py')).map(({ path }): [string, string] => [path, '']);
  const facts = await checkPython({ texts: { ...texts, ...Object.fromEntries(others) } }, entry, exports);
  return (facts?.issues ?? []).map(({ path, line, column, text }) => ({
    pointer: line === null ? '/handler' : '/files',
    detail: `${path}${line === null ? '' : `:${line}:${column ?? 1}`}: ${text}`.slice(0, MAX_DETAIL),
  }));
}

const MAX_DETAIL = 2_000;

const uncheckable: Issue = {
  pointer: '/files',
  detail: `the code cannot be checked: the compiler needs more than ${MAX_MEMORY_IN_MB} MB or ${MAX_TIME_IN_MS / 1_000} s for it, or ends`,
};

/** What the process answered to these modules; `undefined` when it did not. */
async function runCheck(modules: string): Promise<string | undefined> {
  const child = spawn(...limited(process.execPath, [`--max-old-space-size=${MAX_MEMORY_IN_MB}`, program]), {
    stdio: ['pipe', 'pipe', 'ignore'],
    // The compiler is a child of the process, and ends with its group.
    detached: true,
    env: { PATH: process.env.PATH ?? '', GOMEMLIMIT: `${MAX_MEMORY_IN_MB}MiB` },
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killGroup(child.pid);
  };
  const timer = setTimeout(end, MAX_TIME_IN_MS);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) end();
    else chunks.push(chunk);
  });
  // A process that ended early closes its pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(modules);
  try {
    const [code] = await closed;
    return code === 0 ? Buffer.concat(chunks).toString() : undefined;
  } finally {
    clearTimeout(timer);
    if (child.pid !== undefined) killGroup(child.pid);
  }
}

/** The limit of memory counts for the process and for the compiler, each by itself. Windows has no such limit. */
function limited(command: string, args: string[]): [string, string[]] {
  if (process.platform === 'win32') return [command, args];
  return ['/bin/sh', ['-c', `ulimit -d ${MAX_MEMORY_IN_MB * 1_024} && exec "$0" "$@"`, command, ...args]];
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: the group has no process.
  }
}

function loaderOf(path: string): string | undefined {
  return loaders[path.slice(path.lastIndexOf('.') + 1)];
}

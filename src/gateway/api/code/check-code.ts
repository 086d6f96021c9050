import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { isProgram, runtimeOf } from '#src/core/functions/runtimes.ts';
import { parseJson } from '#src/core/json/json.ts';
import { lowerPriority } from '#src/core/processes/lower-priority.mjs';
import { checkPython } from '#src/core/python/check-python.ts';
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

/** The file of the handler, what it must export, and the names of the modules that its layers bring. */
type Wanted = { entry: string; exports: readonly string[]; modules: () => Promise<readonly string[]> };

/**
 * The reasons for which no worker could load a package: syntax errors in its own modules, and exports that the handler certainly lacks.
 * No code runs. The modules in `node_modules` are not checked.
 *
 * The compiler runs in a process of this upload, with limits of memory and time. Code that ends the process, or exceeds a limit, is refused.
 */
export async function checkCode(files: readonly ZipFile[], wanted: Wanted): Promise<Issue[]> {
  const { entry, exports } = wanted;
  if (isProgram(entry)) return checkProgram(files, entry);
  if (runtimeOf({ file: entry }).id === 'python') return await checkPythonCode(files, wanted);
  const modules = files.filter((file) => loaderOf(file.path) !== undefined && !file.path.startsWith('node_modules/'));
  const checked = firstOf(modules, entry).map(({ path, content }) => ({
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

function checkProgram(files: readonly ZipFile[], entry: string): Issue[] {
  if (files.some(({ path, isExecutable }) => path === entry && isExecutable)) return [];
  return [{ pointer: '/files', detail: `${entry} is not executable; a zip archive keeps that when it is packed on Unix` }];
}

/** The other modules are checked as far as the module of the handler imports them. A package without a Python on this machine is not checked. */
async function checkPythonCode(files: readonly ZipFile[], { entry, exports, modules }: Wanted): Promise<Issue[]> {
  const checked = firstOf(
    files.filter(({ path }) => path.endsWith('.py')),
    entry,
  );
  if (!checked.some(({ path }) => path === entry)) return [];
  // Compiled modules, data and further modules can be imported from, and are not read.
  const texts = new Map(files.map(({ path }) => [path, '']));
  for (const { path, content } of checked) texts.set(path, Buffer.from(content).toString());
  const facts = await checkPython({ texts: Object.fromEntries(texts) }, { entry, exports, modules: await modules() });
  return (facts?.issues ?? []).map(({ path, line, column, text }) => ({
    pointer: line === null ? '/handler' : '/files',
    detail: `${path}${line === null ? '' : `:${line}:${column ?? 1}`}: ${text}`.slice(0, MAX_DETAIL),
  }));
}

const MAX_DETAIL = 2_000;

/** The modules that are checked, that of the handler first: their texts together are bounded, because this thread encodes them. */
function firstOf(modules: readonly ZipFile[], entry: string): ZipFile[] {
  let left = MAX_CHECKED_BYTES;
  return [...modules]
    .sort((one, other) => Number(other.path === entry) - Number(one.path === entry))
    .filter((file) => {
      left -= file.content.length;
      return left >= 0;
    });
}

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
  lowerPriority(child.pid, { leadsSession: true });
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

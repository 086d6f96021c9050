import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { INITIALIZING } from './load.mjs';
import { drained } from './output.mjs';

/**
 * The program of a package (`bootstrap`) below the process of its function: what a custom runtime and an HTTP function share. Node's process
 * translates between the program and the worker, and ends with it.
 */

/**
 * Starts the program with the environment that FunctionGraph documents. Resolves to a failure when it ends before `isReady()`; `end` is called when
 * it ends later.
 */
export function startProgram(spec, { context, environment, isReady, end }) {
  const { file } = spec;
  if (!existsSync(file))
    return { failed: Promise.resolve(failure(4001, 'FunctionEntryMissing', `function entry file ${file} does not exist`)) };
  if (!isExecutable(file))
    return { failed: Promise.resolve(failure(4001, 'FunctionEntryMissing', `function entry file ${file} is not executable`)) };
  // One pipe for both, so that lines keep their order. A shell adds variables to the environment.
  const program = spawn('/bin/sh', ['-c', 'unset PWD OLDPWD SHLVL _; exec "$0" 2>&1', file], {
    env: { ...process.env, ...environmentOf(spec, context), ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  program.stdout.setEncoding('utf8').on('data', (text) => process.stdout.write(text));
  process.on('exit', () => program.kill('SIGKILL'));
  const failed = new Promise((resolve) => {
    program.on('error', (error) => resolve(failure(4201, error.code ?? error.name, `${INITIALIZING}${error.message}`)));
    program.on('exit', async (code, signal) => {
      await drained();
      if (isReady()) return end(code, signal);
      const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
      resolve(failure(4201, 'ProcessExited', `${INITIALIZING}the program ${how} before it was ready`));
    });
  });
  return { pid: program.pid, failed };
}

function failure(code, errorType, message) {
  return { failure: { kind: 'function', code, errorType, message, stackTrace: [] } };
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function environmentOf({ file, codeFolder, export: handler, initializer, definition }, context) {
  return {
    RUNTIME_PROJECT_ID: context.getProjectID(),
    RUNTIME_PACKAGE: context.getPackage(),
    RUNTIME_FUNC_NAME: context.getFunctionName(),
    RUNTIME_FUNC_VERSION: context.getVersion(),
    RUNTIME_HANDLER: handler ?? 'handler',
    RUNTIME_TIMEOUT: String(context.getRunningTimeInSeconds()),
    RUNTIME_USERDATA: JSON.stringify(definition.userData),
    RUNTIME_CPU: String(context.getCPUNumber()),
    RUNTIME_MEMORY: String(context.getMemorySize()),
    RUNTIME_CODE_ROOT: codeFolder ?? dirname(file),
    ...(initializer === undefined ? {} : { RUNTIME_INITIALIZER: initializer }),
  };
}

/**
 * Reads a body. Of one beyond `maxBytes` only the size is known: `content` is empty. Rejects when the connection closes before its end.
 *
 * By events: an iterator over the body took a fifth of the time of an execution.
 */
export function readBody(message, maxBytes) {
  return new Promise((resolve, reject) => {
    let chunks = [];
    let bytes = 0;
    message.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else chunks = [];
    });
    message.on('end', () =>
      resolve(bytes > maxBytes ? { content: Buffer.alloc(0), droppedBytes: bytes } : { content: Buffer.concat(chunks) }),
    );
    message.on('error', reject);
  });
}

/** The memory of a process and of those below it, in MB. */
export function memoryOfTree(pid) {
  const kilobytes = treeOf(pid).map((one) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(contentOf(`/proc/${one}/status`))?.[1] ?? 0));
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1_024;
}

/**
 * Whether a process, or one below it, has a socket of TCP with these ends, which are ends of those in `/proc/net/tcp`; by default that waits for
 * connections.
 *
 * Without a network of its own, the program shares the addresses of this machine with the programs of other functions.
 */
export function hasSocket(pid, local, remote = '0000 0A') {
  const line = new RegExp(`: \\w*${local} [\\w:]*${remote} .+?:\\S+ .+?:\\S+ \\w+ +\\d+ +\\d+ (\\d+) `, 'g');
  const tables = `${contentOf('/proc/net/tcp')}${contentOf('/proc/net/tcp6')}`;
  const wanted = new Set([...tables.matchAll(line)].map(([, inode]) => `socket:[${inode}]`));
  return wanted.size > 0 && treeOf(pid).some((one) => filesOf(one).some((file) => wanted.has(file)));
}

/** The end of a connection as `/proc/net/tcp` writes it, without an address the end of any address. One of IPv6 ends with the one of IPv4 in it. */
export function hexadecimalEnd(port, address) {
  const bytes = address === undefined ? [] : address.split('.').toReversed();
  return `${bytes.map((byte) => hexadecimal(Number(byte), 2)).join('')}:${hexadecimal(port, 4)}`;
}

function hexadecimal(value, digits) {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

function treeOf(root) {
  const pids = [root];
  for (const pid of pids)
    for (const thread of namesIn(`/proc/${pid}/task`))
      pids.push(...contentOf(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number));
  return pids;
}

function filesOf(pid) {
  return namesIn(`/proc/${pid}/fd`).map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ''));
}

/** Empty when the process is gone. */
function namesIn(folder) {
  return attempt(() => readdirSync(folder), []);
}

function contentOf(file) {
  return attempt(() => readFileSync(file, 'latin1'), '');
}

function attempt(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
